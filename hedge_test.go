package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// hedged is a server whose first request of a path is answered when release is
// called, and every other one at once.
type hedged struct {
	*scripted
	mu      sync.Mutex
	seen    map[string]int
	ended   chan string // a first request that the client has left
	release chan struct{}
}

func newHedged(t testing.TB, answer http.HandlerFunc) *hedged {
	h := &hedged{seen: map[string]int{}, ended: make(chan string, 100), release: make(chan struct{})}
	h.scripted = newScripted(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.seen[r.URL.Path]++
		n := h.seen[r.URL.Path]
		h.mu.Unlock()
		if n == 1 {
			select {
			case <-h.release:
				fmt.Fprint(w, "slow")
				return
			case <-r.Context().Done():
				h.ended <- r.URL.Path
				return
			}
		}
		w.Header().Set("X-Body", string(body))
		answer(w, r)
	})
	return h
}

func quick(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "quick") }

var soon = sonde.Hedge{Delay: 5 * time.Millisecond}

// settled waits until no connection of c carries anything.
func settled(t *testing.T, c *sonde.Client) sonde.PoolStats {
	t.Helper()
	for range 1000 {
		if st := c.Pool().Stats(); st.Active+st.Dialing+st.Waiting == 0 {
			return st
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%+v", c.Pool().Stats())
	return sonde.PoolStats{}
}

// TestHedge: the second attempt is answered first, by every way of calling; the first
// is cancelled, and its connection closed for that reason.
func TestHedge(t *testing.T) {
	everyWay(func(name string, call func(*sonde.Client, *sonde.Request) (string, error)) {
		s := newHedged(t, quick)
		rec := &trace.Recorder{}
		c := newClient(t, sonde.Config{Hedge: soon, Sink: rec})
		got, err := call(c, sonde.NewRequest(sonde.GET, s.URL+"/a"))
		if err != nil || got != "quick" {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if path := <-s.ended; path != "/a" {
			t.Error(path)
		}
		st := settled(t, c)
		if st.Reasons[trace.HedgeLost] != 1 || st.Opened != 2 || st.Idle != 1 {
			t.Errorf("%s: %+v", name, st)
		}
		c.Close() // waits for what is left of the attempt that lost
		all := kinds(rec, trace.Hedge, trace.AttemptStart, trace.AttemptDone, trace.CallDone)
		won, lost := "2", "1"
		if slices.Contains(all, "1 call-done <nil>") { // the hedge was the first to reach the server
			won, lost = "1", "2"
		}
		for _, want := range []string{"1 attempt-start <nil>", "1 hedge <nil>", "2 attempt-start <nil>",
			lost + " attempt-done another attempt was answered first", won + " attempt-done <nil>", won + " call-done <nil>"} {
			if n := strings.Count(strings.Join(all, "\n")+"\n", want+"\n"); n != 1 {
				t.Errorf("%s: %d times %q in %q", name, n, want, all)
			}
		}
	})
}

// TestHedgeNotNeeded: an answer in time, and nothing else happens.
func TestHedgeNotNeeded(t *testing.T) {
	s := newScripted(t, echo)
	c := newClient(t, sonde.Config{Hedge: sonde.Hedge{Delay: time.Minute}})
	for range 3 {
		if resp, err := c.Put(background, s.URL, sonde.Text("hello")); err != nil || string(resp.Body) != "hello" {
			t.Fatal(resp, err)
		}
	}
	if s.n.Load() != 3 || s.opened.Load() != 1 {
		t.Error(s.n.Load(), s.opened.Load())
	}
}

// TestHedgeWhich: what is hedged and what is not.
func TestHedgeWhich(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method sonde.Method
		opts   []sonde.Option
		hedged bool
	}{
		{"GET", "GET", nil, true},
		{"HEAD", "HEAD", nil, true},
		{"PUT", "PUT", []sonde.Option{sonde.WithBody(sonde.Text("hello"))}, true},
		{"func", "PUT", []sonde.Option{sonde.WithBody(sonde.Func(5, opens("hello")))}, true},
		{"key", "POST", []sonde.Option{sonde.WithBody(sonde.Text("hello")), sonde.WithHeader("Idempotency-Key", "1")}, true},
		{"POST", "POST", []sonde.Option{sonde.WithBody(sonde.Text("hello"))}, false},
		{"seeker", "PUT", []sonde.Option{sonde.WithBody(sonde.Reader(strings.NewReader("hello"), -1))}, false},
		{"once", "PUT", []sonde.Option{sonde.WithBody(sonde.Reader(io.MultiReader(strings.NewReader("hello")), -1))}, false},
		{"parts", "PUT", []sonde.Option{sonde.WithBody(sonde.Multipart(sonde.Part{Name: "a", Body: sonde.Reader(strings.NewReader("hello"), -1)}))}, false},
		{"progress", "PUT", []sonde.Option{sonde.WithBody(sonde.Text("hello")), sonde.WithUploadProgress(func(int64, int64) {})}, false},
		{"off", "GET", []sonde.Option{sonde.WithHedge(sonde.Hedge{})}, false},
	} {
		s := newHedged(t, quick)
		c := newClient(t, sonde.Config{Hedge: soon})
		release := sync.OnceFunc(func() { close(s.release) })
		if !tt.hedged {
			time.AfterFunc(50*time.Millisecond, release)
		}
		resp, err := c.Do(background, sonde.NewRequest(tt.method, s.URL, tt.opts...))
		release()
		want, n := "slow", int32(1)
		if tt.hedged {
			want, n = "quick", 2
		}
		if tt.method == "HEAD" {
			want = ""
		}
		if err != nil || string(resp.Body) != want || s.n.Load() != n {
			t.Errorf("%s: %v %v after %d requests", tt.name, resp, err, s.n.Load())
		}
		if tt.hedged && tt.method != "HEAD" && tt.method != "GET" && resp.Header.Get("X-Body") != "hello" {
			t.Errorf("%s: %v", tt.name, resp.Header)
		}
	}
}

// TestHedgeKeeps: the connection of an attempt that lost is kept where its answer has
// come, and is short.
func TestHedgeKeeps(t *testing.T) {
	headed := make(chan struct{})
	first := make(chan struct{})
	s := newScripted(t,
		func(w http.ResponseWriter, r *http.Request) { <-headed; w.WriteHeader(503); close(first) },
		func(w http.ResponseWriter, r *http.Request) { close(headed); <-first; fmt.Fprint(w, "quick") })
	c := newClient(t, sonde.Config{Hedge: soon})
	resp, err := c.Get(background, s.URL)
	if err != nil || string(resp.Body) != "quick" {
		t.Fatal(resp, err)
	}
	if st := settled(t, c); st.Reasons[trace.HedgeLost] > 1 || st.Opened != 2 || st.Idle+int(st.Reasons[trace.HedgeLost]) != 2 {
		t.Errorf("%+v", st)
	}
}

// TestHedgeBad: a 5xx or a failure does not win while another attempt is under way; when
// there is none, the better one stands.
func TestHedgeBad(t *testing.T) {
	two := make(chan struct{})
	s := newScripted(t,
		func(w http.ResponseWriter, r *http.Request) { <-two; w.WriteHeader(500); w.(http.Flusher).Flush() },
		func(w http.ResponseWriter, r *http.Request) {
			close(two)
			time.Sleep(20 * time.Millisecond) // the other one comes first, if the machine is not too busy
			fmt.Fprint(w, "quick")
		})
	c := newClient(t, sonde.Config{Hedge: soon})
	if resp, err := c.Get(background, s.URL); err != nil || string(resp.Body) != "quick" {
		t.Error(resp, err)
	}
	s = newHedged(t, status(502)).scripted
	c = newClient(t, sonde.Config{Hedge: soon})
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, s.URL); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a 5xx has won:", err)
	}
	// All fail.
	p := newPeer(t, func(c *peerConn) {
		c.head()
		if c.n == 1 {
			time.Sleep(50 * time.Millisecond)
		}
	})
	c = newClient(t, sonde.Config{Hedge: soon})
	_, err := c.Get(background, p.url())
	var e *sonde.Error
	if !errors.As(err, &e) || e.Op != sonde.OpFirstByte || e.SafeToRetry() {
		t.Error(err)
	}
	if st := settled(t, c); st.Idle != 0 {
		t.Errorf("%+v", st)
	}
}

// TestHedgeNeverWaits: where no slot is free for another attempt, there is none.
func TestHedgeNeverWaits(t *testing.T) {
	s := newHedged(t, quick)
	c := newClient(t, sonde.Config{Hedge: soon, Pool: sonde.PoolConfig{MaxConnsPerOrigin: 1}})
	time.AfterFunc(60*time.Millisecond, func() { close(s.release) })
	resp, err := c.Get(background, s.URL)
	if err != nil || string(resp.Body) != "slow" || s.n.Load() != 1 {
		t.Error(resp, err, s.n.Load())
	}
	if st := c.Pool().Stats(); st.Waits != 0 || st.Opened != 1 {
		t.Errorf("%+v", st)
	}
}

// TestHedgeEnds: a cancel, a timeout and Close end all attempts.
func TestHedgeEnds(t *testing.T) {
	mine := errors.New("mine")
	for _, how := range []string{"cancel", "timeout", "close"} {
		hang := newPeer(t, func(c *peerConn) { c.head(); c.gone() })
		c := newClient(t, sonde.Config{Hedge: sonde.Hedge{Delay: time.Millisecond, Max: 3}})
		ctx, cancel := context.WithCancelCause(background)
		defer cancel(nil)
		opts := []sonde.Option{}
		if how == "timeout" {
			opts = append(opts, sonde.WithTimeout(100*time.Millisecond))
		}
		go func() {
			for hang.conns.Load() < 4 && how != "timeout" {
				time.Sleep(time.Millisecond)
			}
			switch how {
			case "cancel":
				cancel(mine)
			case "close":
				c.Close()
			}
		}()
		_, err := c.Get(ctx, hang.url(), opts...)
		want := map[string]error{"cancel": mine, "timeout": os.ErrDeadlineExceeded, "close": sonde.ErrClosed}[how]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", how, err)
		}
		if st := settled(t, c); st.Idle != 0 {
			t.Errorf("%s: %+v", how, st)
		}
	}
}

// TestHedgeBudget: hedges cost as retries do.
func TestHedgeBudget(t *testing.T) {
	s := newScripted(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Millisecond) })
	c := newClient(t, sonde.Config{Hedge: sonde.Hedge{Delay: time.Millisecond, Max: 5}})
	start := time.Now()
	for range 10 {
		if _, err := c.Get(background, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if n, most := int(s.n.Load()), 10+10+2+int(time.Since(start).Seconds())+1; n < 12 || n > most {
		t.Errorf("%d requests, want 12 to %d", n, most)
	}
}

// TestHedgeBodyIsTheCallers: once the call has returned, no attempt reads what the
// caller gave.
func TestHedgeBodyIsTheCallers(t *testing.T) {
	block := make(chan struct{})
	var once sync.Once
	p := newPeer(t, func(c *peerConn) {
		if c.n == 1 {
			c.head() // and reads no more: the upload is stuck
			c.hangs()
			<-block
			return
		}
		c.request()
		c.say(okAnswer)
		c.gone()
	})
	defer once.Do(func() { close(block) })
	body := make([]byte, 16<<20)
	c := newClient(t, sonde.Config{Hedge: soon})
	if resp, err := c.Put(background, p.url(), sonde.Bytes(body)); err != nil || string(resp.Body) != "ok" {
		t.Fatal(resp, err)
	}
	for i := range body { // the race detector sees who reads it still
		body[i] = 1
	}
	once.Do(func() { close(block) })
}

// TestHedgeOfRedirect: each request of a call is hedged by itself, and a retry follows
// where all attempts fail.
func TestHedgeOfRedirect(t *testing.T) {
	h := newHedged(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusFound)
		default:
			quick(w, r)
		}
	})
	var attempts seen
	rec := &trace.Recorder{}
	c := newClient(t, sonde.Config{Hedge: soon, AttemptMiddleware: []sonde.Middleware{attempts.middleware}, Sink: rec})
	resp, err := c.Get(background, h.URL+"/a")
	if err != nil || string(resp.Body) != "quick" || len(resp.History()) != 1 {
		t.Fatal(resp, err)
	}
	settled(t, c)
	c.Close()
	for _, want := range []string{"GET /a 302 ", "GET /b 200 ", "GET /a failed", "GET /b failed"} {
		if !strings.Contains(attempts.String(), want) {
			t.Errorf("no %q in %s", want, attempts.String())
		}
	}
	// Attempts are counted on: no number comes twice.
	numbers := map[string]int{}
	for _, line := range kinds(rec, trace.AttemptStart) {
		numbers[line]++
	}
	if len(numbers) != 4 {
		t.Error(numbers)
	}
}

// TestHedgeThenRetry: where every attempt fails, the policy for retries goes on.
func TestHedgeThenRetry(t *testing.T) {
	var n atomic.Int32
	s := newScripted(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= 2 {
			time.Sleep(30 * time.Millisecond)
			w.WriteHeader(503)
			return
		}
		quick(w, r)
	})
	c := newClient(t, sonde.Config{Hedge: soon, Retry: quickly(3)})
	if resp, err := c.Get(background, s.URL); err != nil || string(resp.Body) != "quick" {
		t.Error(resp, err)
	}
}

// TestHedgeWhileDialing: an attempt that is still connecting is hedged too.
func TestHedgeWhileDialing(t *testing.T) {
	s := newScripted(t, quick)
	var dials atomic.Int32
	c := newClient(t, sonde.Config{Hedge: soon, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}})
	if resp, err := c.Get(background, s.URL); err != nil || string(resp.Body) != "quick" {
		t.Error(resp, err)
	}
	settled(t, c)
}
