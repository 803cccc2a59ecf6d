package pool

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"sonde/trace"
)

func sweeps() bool {
	buf := make([]byte, 1<<20)
	return strings.Contains(string(buf[:runtime.Stack(buf, true)]), "(*Pool).sweeper")
}

func TestSweeperLivesWhileSomethingIsIdle(t *testing.T) {
	inBubble(t, Config{IdleTimeout: time.Minute}, &fakeDialer{}, func(b *bed) {
		for range 2 {
			x := b.get()
			if sweeps() {
				t.Error("sweeps over nothing")
			}
			b.put(x.Conn)
			time.Sleep(59 * time.Second)
			if synctest.Wait(); !sweeps() {
				t.Error("does not sweep")
			}
			b.counts(1, 0, 0, 0)
			time.Sleep(2100 * time.Millisecond)
			b.counts(0, 0, 0, 0)
			b.ended(x.Conn, trace.IdleTimeout)
			if sweeps() {
				t.Error("still sweeps")
			}
		}
	})
}

func TestServerHint(t *testing.T) {
	for _, row := range []struct {
		hint, end time.Duration
	}{
		{time.Second, 800 * time.Millisecond},
		{5 * time.Second, 4 * time.Second},
		{time.Minute, 59 * time.Second},
		{24 * time.Hour, 6553500 * time.Millisecond}, // never later
		{time.Nanosecond, 100 * time.Millisecond},
	} {
		if end := time.Duration(packHint(row.hint)) * hintUnit; end != row.end {
			t.Errorf("hint %v: %v, want %v", row.hint, end, row.end)
		}
	}
	inBubble(t, Config{IdleTimeout: time.Minute}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		b.Release(x.Conn, 0, 10*time.Second, nil)
		b.get()
		b.put(x.Conn) // says nothing: what was said holds
		time.Sleep(8 * time.Second)
		b.counts(1, 0, 0, 0)
		time.Sleep(2100 * time.Millisecond)
		b.ended(x.Conn, trace.ServerHint)
	})
}

func TestMaxAgeHasJitter(t *testing.T) {
	inBubble(t, Config{MaxAge: 100 * time.Second}, &fakeDialer{}, func(b *bed) {
		var all []Got
		for range 50 {
			all = append(all, b.get())
		}
		for _, g := range all {
			b.put(g.Conn)
		}
		time.Sleep(89500 * time.Millisecond)
		b.counts(50, 0, 0, 0)
		time.Sleep(6 * time.Second)
		if n := b.Stats().Idle; n == 0 || n == 50 {
			t.Errorf("%d are left in the middle", n)
		}
		time.Sleep(6 * time.Second)
		b.counts(0, 0, 0, 0)
		b.ended(all[0].Conn, trace.MaxAge)
	})
}

// Without a descriptor each one is asked now and then.
func TestSweepAsksThoseWithoutDescriptor(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		var all []Got
		for range 20 {
			all = append(all, b.get())
			time.Sleep(time.Millisecond)
		}
		for _, g := range all {
			b.put(g.Conn)
			time.Sleep(time.Millisecond)
		}
		all[3].Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
		time.Sleep(askEvery*time.Second + 500*time.Millisecond)
		b.counts(19, 0, 0, 0)
		for _, g := range all {
			if n := g.Conn.link.(*fakeLink).checks.Load(); n != 1 {
				t.Errorf("%d checks", n)
			}
		}
		// The order is as it was.
		for i := 19; i >= 0; i-- {
			if i != 3 {
				if g := b.get(); g.Conn != all[i].Conn {
					t.Fatalf("not LIFO at %d", i)
				}
			}
		}
	})
}

func TestSweepPolls(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("poll(2) is used on Linux only")
	}
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		var peers []int
		var all []Got
		for range 10 {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pair[0])
			peers = append(peers, pair[1])
			g := b.get()
			g.Conn.link.(*fakeLink).fd = pair[0]
			all = append(all, g)
		}
		for _, g := range all {
			b.put(g.Conn)
		}
		all[2].Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
		for i, fd := range peers {
			if i != 5 {
				defer unix.Close(fd)
			}
			if i == 2 || i == 4 { // 4: bytes that Check forgives
				unix.Write(fd, []byte("x"))
			}
		}
		unix.Close(peers[5])
		all[5].Conn.link.(*fakeLink).dead.Store(int32(trace.TLSAlert))
		time.Sleep(1500 * time.Millisecond)
		b.counts(8, 0, 0, 0)
		b.ended(all[2].Conn, trace.ServerClosed)
		b.ended(all[5].Conn, trace.TLSAlert)
		for i, g := range all {
			if n := g.Conn.link.(*fakeLink).checks.Load(); n != 0 && i != 2 && i != 4 && i != 5 {
				t.Errorf("%d was asked %d times", i, n)
			}
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		idle := b.get(to("b"))
		b.put(idle.Conn)
		x, y := b.get(), b.get(oneShot)
		waiting := b.later(b.Context())
		b.Close()
		b.ended(idle.Conn, trace.ClosedByUser)
		b.ended(x.Conn, trace.ClosedByUser)
		if !x.Conn.link.(*fakeLink).abort.Load() || idle.Conn.link.(*fakeLink).abort.Load() {
			t.Error("in use: aborted; idle: closed")
		}
		if r := <-waiting; !isFault(r.err, ErrClosed) {
			t.Error(r.err)
		}
		for _, f := range []func(*Want){to("a"), to("new"), oneShot} {
			if _, err := b.Acquire(b.Context(), b.want(f)); !isFault(err, ErrClosed) {
				t.Error(err)
			}
		}
		b.kill(x.Conn, trace.Canceled) // their calls notice, later
		b.put(y.Conn)
		b.Close()
		if st := b.Stats(); st.Reasons[trace.ClosedByUser] != 3 || st.Closed != 3 {
			t.Errorf("%v", st.Reasons.Map())
		}
	})
}

func TestCloseIdle(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get()
		b.put(x.Conn)
		b.CloseIdle()
		b.ended(x.Conn, trace.ClosedByUser)
		b.ended(y.Conn, trace.NoReason)
		b.put(y.Conn)
		if g := b.get(); g.Conn != y.Conn {
			t.Errorf("%+v", g)
		}
	})
}

func TestConns(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get(to("b"))
		time.Sleep(time.Second)
		b.put(x.Conn)
		n := 0
		for i := range b.Conns() {
			n++
			want := Info{ID: x.Conn.ID(), Route: route("a"), Link: x.Conn.Link(), State: Idle, Why: x.Why, Requests: 1}
			if i.ID == y.Conn.ID() {
				want = Info{ID: y.Conn.ID(), Route: route("b"), Link: y.Conn.Link(), State: Active, Why: y.Why, Requests: 1, Exchanges: 1}
			} else if !i.IdleSince.Equal(time.Now()) {
				t.Error(i.IdleSince)
			}
			if time.Since(i.Created) != time.Second {
				t.Error(i.Created)
			}
			i.Created, i.IdleSince = time.Time{}, time.Time{}
			if i != want {
				t.Errorf("%+v", i)
			}
		}
		for range b.Conns() {
			n++
			break
		}
		if n != 3 {
			t.Error(n)
		}
	})
}
