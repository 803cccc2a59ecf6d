package sonde_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/internal/race"
	"sonde/trace"
)

// TestAttackExpect: the ways in which a server deals with Expect: 100-continue.
func TestAttackExpect(t *testing.T) {
	const go100 = "HTTP/1.1 100 Continue\r\n\r\n"
	body := func(c *peerConn, n int) { io.CopyN(io.Discard, c.r, int64(n)) }
	long, soon := sonde.Timeouts{Continue: time.Minute}, sonde.Timeouts{Continue: 20 * time.Millisecond}
	for _, tt := range []struct {
		name  string
		times sonde.Timeouts
		serve func(c *peerConn)
		sent  bool // the body is opened and read
		kept  bool // and the connection kept
		fails bool
	}{
		{"100", long, func(c *peerConn) { c.say(go100); body(c, 5); c.say(okAnswer) }, true, true, false},
		{"several 100s", long, func(c *peerConn) { c.say(go100 + go100 + go100); body(c, 5); c.say(go100 + okAnswer) }, true, true, false},
		{"103, then 100", long, func(c *peerConn) { c.say("HTTP/1.1 103 Early Hints\r\n\r\n" + go100); body(c, 5); c.say(okAnswer) }, true, true, false},
		{"silence", soon, func(c *peerConn) { body(c, 5); c.say(okAnswer) }, true, true, false},
		{"100 after the time", soon, func(c *peerConn) { body(c, 5); c.say(go100 + okAnswer) }, true, true, false},
		{"half a 100 when the time is over", soon, func(c *peerConn) {
			c.say(go100[:10])
			body(c, 5)
			c.say(go100[10:] + okAnswer)
		}, true, true, false},
		{"417", long, func(c *peerConn) { c.say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n") }, false, false, true},
		{"200 at once", long, func(c *peerConn) { c.say(okAnswer) }, false, false, false},
		{"100 and 200 at once", long, func(c *peerConn) { c.say(go100 + okAnswer); body(c, 5) }, true, true, false},
		{"closes", long, func(c *peerConn) { c.Close() }, false, false, true},
		{"resets", long, func(c *peerConn) { reset(c.Conn) }, false, false, true},
		{"silence, then closes", soon, func(c *peerConn) { body(c, 5); c.Close() }, true, false, true},
	} {
		for _, reader := range []bool{false, true} {
			name := tt.name + ", bytes"
			if reader {
				name = tt.name + ", reader"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newPeer(t, func(c *peerConn) {
					for {
						head := c.head()
						if head == "" {
							return
						}
						if !strings.Contains(head, "Expect: 100-continue\r\n") {
							c.say(okAnswer)
							continue
						}
						tt.serve(c)
					}
				})
				c := newClient(t, sonde.Config{})
				read := new(atomic.Int32)
				b := sonde.Text("hello")
				if reader {
					b = sonde.Reader(&counting{strings.NewReader("hello"), read}, 5)
				}
				within(t, 20*time.Second, func() {
					_, err := c.Post(background, p.url(), b, sonde.WithExpectContinue(), sonde.WithTimeouts(tt.times))
					if (err != nil) != tt.fails {
						t.Errorf("error %v", err)
					}
				})
				if reader && (read.Load() > 0) != tt.sent {
					t.Errorf("body read %d times", read.Load())
				}
				s := c.Pool().Stats()
				if (s.Idle == 1) != tt.kept || s.Active != 0 {
					t.Errorf("kept %v: %+v %v", s.Idle == 1, s, s.Reasons.Map())
				}
				mustGet(t, c, p.url(), "ok")
			})
		}
	}
}

type counting struct {
	io.Reader
	reads *atomic.Int32
}

func (c *counting) Read(p []byte) (int, error) { c.reads.Add(1); return c.Reader.Read(p) }

// TestAttackSlowUpload: the time between two reads of the response does not run
// while a request that the server wants is still being sent.
func TestAttackSlowUpload(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			if c.head() == "" {
				return
			}
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
			io.CopyN(io.Discard, c.r, 6)
			c.say(okAnswer)
		}
	})
	c := newClient(t, sonde.Config{Timeouts: sonde.Timeouts{BodyIdle: 100 * time.Millisecond}})
	for _, expect := range []bool{true, false} {
		r, w := io.Pipe()
		go func() {
			for range 6 {
				time.Sleep(50 * time.Millisecond)
				w.Write([]byte("x"))
			}
			w.Close()
		}()
		opts := []sonde.Option{sonde.WithTimeouts(sonde.Timeouts{Continue: time.Minute})}
		if expect {
			opts = append(opts, sonde.WithExpectContinue())
		}
		resp, err := c.Post(background, p.url(), sonde.Reader(r, 6), opts...)
		if err != nil {
			t.Errorf("expect %v: %v", expect, err)
			continue
		}
		if d := resp.Timing(); d.Send < 250*time.Millisecond || d.Send > d.Total {
			t.Errorf("sent after %v of %v", d.Send, d.Total)
		}
	}
}

// TestAttackEarlyAnswers: a server that answers before it has the whole request,
// and then closes, resets or just stops reading.
func TestAttackEarlyAnswers(t *testing.T) {
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\ntoobig"
	for _, tt := range []struct {
		name string
		end  func(c *peerConn)
	}{
		{"stops reading", func(c *peerConn) { c.hangs(); time.Sleep(500 * time.Millisecond) }},
		{"closes", func(c *peerConn) { c.Close() }},
		{"half closes and drains", func(c *peerConn) { c.Conn.(*net.TCPConn).CloseWrite(); c.gone() }},
	} {
		for _, kind := range []string{"bytes", "reader", "file", "pipe"} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				t.Parallel()
				p := newPeer(t, func(c *peerConn) {
					if c.n > 1 {
						c.serve(okAnswer)
						return
					}
					c.head()
					c.say(refusal)
					tt.end(c)
				})
				c := newClient(t, sonde.Config{})
				var body sonde.Body
				switch kind {
				case "bytes":
					body = sonde.Bytes(muchData)
				case "reader":
					body = sonde.Reader(struct{ io.Reader }{bytes.NewReader(muchData)}, int64(len(muchData)))
				case "file":
					path := filepath.Join(t.TempDir(), "large")
					f, err := os.Create(path)
					if err != nil {
						t.Fatal(err)
					}
					f.Truncate(64 << 20)
					f.Close()
					body = sonde.File(path)
				case "pipe":
					r, w := io.Pipe()
					defer w.Close()
					body = sonde.Reader(r, -1)
				}
				within(t, 20*time.Second, func() {
					_, err := c.Post(background, p.url(), body)
					var s *sonde.StatusError
					if !errors.As(err, &s) || s.Status != 413 || string(s.Body) != "toobig" {
						t.Errorf("error %v", err)
					}
				})
				// One that took it all in the end may be kept.
				if s := c.Pool().Stats(); s.Idle != 0 && tt.name != "half closes and drains" || s.Active != 0 {
					t.Errorf("%+v", s)
				}
				mustGet(t, c, p.url(), "ok")
			})
		}
	}
}

// TestAttackEcho: both directions at once, the request's body fed by what comes
// back.
func TestAttackEcho(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for c.head() != "" {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
			if n, _ := io.CopyN(c.Conn, c.r, 100_000); n < 100_000 {
				return
			}
		}
	})
	c := newClient(t, sonde.Config{})
	for range 3 {
		r, w := io.Pipe()
		within(t, 20*time.Second, func() {
			req := sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(sonde.Reader(r, 100_000)))
			err := c.Stream(background, req, func(ex *sonde.Exchange) error {
				piece := make([]byte, 1000)
				for range 100 {
					if _, err := w.Write(piece); err != nil {
						return err
					}
					if _, err := io.ReadFull(ex.Body, piece); err != nil {
						return err
					}
				}
				w.Close()
				_, err := io.Copy(io.Discard, ex.Body)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections; %v", n, c.Pool().Stats().Reasons.Map())
	}
}

// TestAttackReaderErrors: the error of a caller's Reader is the call's, at its
// beginning, in its middle and instead of its end.
func TestAttackReaderErrors(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{})
	for _, size := range []int64{-1, 6, 200_000} {
		for _, before := range []int{0, 1, 5, 100_000} {
			if size >= 0 && int64(before) >= size {
				continue
			}
			body := io.MultiReader(bytes.NewReader(make([]byte, before)), failing{errMine})
			_, err := c.Post(background, p.url(), sonde.Reader(body, size))
			var e *sonde.Error
			if !errors.Is(err, errMine) || !errors.As(err, &e) || e.Op != sonde.OpWrite {
				t.Errorf("size %d, after %d: %v", size, before, err)
			}
		}
	}
	// One that fails because the context ended: both causes are there.
	ctx, cancel := context.WithCancelCause(background)
	r, w := io.Pipe()
	go func() {
		w.Write([]byte("some"))
		cancel(errMine)
		w.CloseWithError(os.ErrPermission)
	}()
	if _, err := c.Post(ctx, p.url(), sonde.Reader(struct{ io.Reader }{r}, -1)); !errors.Is(err, context.Canceled) || !errors.Is(err, errMine) {
		t.Error(err)
	}
	open := sonde.Func(-1, func() (io.ReadCloser, error) { return nil, errMine })
	if _, err := c.Post(background, p.url(), open); !errors.Is(err, errMine) {
		t.Error(err)
	}
	if _, err := c.Post(background, p.url(), sonde.File("/nowhere/at/all")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	mustGet(t, c, p.url(), "ok")
	if s := c.Pool().Stats(); s.Active != 0 {
		t.Errorf("%+v", s)
	}
}

// TestAttackBulk: 100 MB both ways, from a file, from a Reader and from memory,
// plain and TLS, whole and in order.
func TestAttackBulk(t *testing.T) {
	size := 100 << 20
	if race.Enabled || testing.Short() {
		size = 10 << 20
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	sum := func(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }
	path := filepath.Join(t.TempDir(), "bulk")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	server, client := certificates(t)
	handle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			w.Write(data)
			return
		}
		got := crc32.NewIEEE()
		io.Copy(got, r.Body)
		fmt.Fprintf(w, "%08x", got.Sum32())
	})
	for _, secure := range []bool{false, true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + ln.Addr().String()
		if secure {
			url = "https://" + ln.Addr().String()
			ln = tls.NewListener(ln, server)
		}
		s := &http.Server{Handler: handle}
		go s.Serve(ln)
		c := newClient(t, sonde.Config{TLS: client, Limits: sonde.Limits{Body: -1}})
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		part := data[:size/10]
		for _, tt := range []struct {
			name string
			body sonde.Body
			want []byte
		}{
			{"file", sonde.File(path), data},
			{"os.File", sonde.Reader(file, -1), data},
			{"bytes", sonde.Bytes(part), part},
			{"reader", sonde.Reader(bufio.NewReader(bytes.NewReader(part)), -1), part},
		} {
			resp, err := c.Put(background, url, tt.body)
			if err != nil || string(resp.Body) != sum(tt.want) {
				t.Errorf("%s, tls %v: %v", tt.name, secure, err)
			}
		}
		got := crc32.NewIEEE()
		err = c.Stream(background, sonde.NewRequest(sonde.GET, url), func(ex *sonde.Exchange) error {
			_, err := io.Copy(got, ex.Body)
			return err
		})
		if err != nil || got.Sum32() != crc32.ChecksumIEEE(data) {
			t.Errorf("download, tls %v: %v", secure, err)
		}
		if n := c.Pool().Stats().Opened; n != 1 {
			t.Errorf("tls %v: %d connections: %v", secure, n, c.Pool().Stats().Reasons.Map())
		}
		file.Close()
		s.Close()
	}
}

// odd is a connection of a custom dialer with some oddity.
type odd struct {
	net.Conn
	closes *atomic.Int32
}

func (o odd) Close() error { o.closes.Add(1); return o.Conn.Close() }

// layered says what lies below it.
type layered struct{ odd }

func (l layered) NetConn() net.Conn { return l.Conn }

// timeless has no deadlines, as a channel of SSH.
type timeless struct{ odd }

var errTimeless = errors.New("deadlines are not supported")

func (timeless) SetDeadline(time.Time) error      { return errTimeless }
func (timeless) SetReadDeadline(time.Time) error  { return errTimeless }
func (timeless) SetWriteDeadline(time.Time) error { return errTimeless }

// nameless has no addresses.
type nameless struct{ odd }

func (nameless) LocalAddr() net.Addr  { return nil }
func (nameless) RemoteAddr() net.Addr { return nil }

// lastGasp gives io.EOF along with the last bytes, as an io.Reader may.
type lastGasp struct{ odd }

func (l lastGasp) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 && strings.HasSuffix(string(p[:n]), "ok") {
		err = io.EOF
	}
	return n, err
}

// TestAttackOddConns: connections of a custom Dial that only just are a net.Conn.
func TestAttackOddConns(t *testing.T) {
	for name, wrap := range map[string]func(odd) net.Conn{
		"plain wrapper": func(o odd) net.Conn { return o },
		"layered":       func(o odd) net.Conn { return layered{o} },
		"timeless":      func(o odd) net.Conn { return timeless{o} },
		"nameless":      func(o odd) net.Conn { return nameless{o} },
		"last gasp":     func(o odd) net.Conn { return lastGasp{o} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(c *peerConn) {
				for {
					r, _, err := c.request()
					switch {
					case err != nil:
						return
					case r.URL.Path == "/hang":
						c.gone()
						return
					case r.URL.Path == "/half":
						c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha")
						c.gone()
						return
					}
					c.say(okAnswer)
				}
			})
			var dials, closes atomic.Int32
			var rec trace.Recorder
			c := newClient(t, sonde.Config{Sink: &rec, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				var d net.Dialer
				conn, err := d.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				dials.Add(1)
				return wrap(odd{conn, &closes}), nil
			}})
			within(t, 30*time.Second, func() {
				mustGet(t, c, p.url(), "ok")
				for range 2 { // POST asks the connection before
					if _, err := c.Post(background, p.url(), sonde.Text("a")); err != nil {
						t.Error(err)
					}
				}
				for range c.Pool().Conns() {
				}
				const wait = 50 * time.Millisecond
				for _, tt := range []struct {
					path  string
					times sonde.Timeouts
				}{
					{"/hang", sonde.Timeouts{FirstByte: wait}},
					{"/hang", sonde.Timeouts{Call: wait}},
					{"/half", sonde.Timeouts{BodyIdle: wait}},
				} {
					_, err := c.Get(background, p.url()+tt.path, sonde.WithTimeouts(tt.times))
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s %+v: %v", tt.path, tt.times, err)
					}
				}
				ctx, cancel := context.WithTimeout(background, wait)
				defer cancel()
				if _, err := c.Get(ctx, p.url()+"/hang"); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				mustGet(t, c, p.url(), "ok")
				c.Close()
			})
			for range 500 { // the end of a context closes on a goroutine of its own
				if closes.Load() >= dials.Load() {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Errorf("%d dialed, %d closed", dials.Load(), closes.Load())
		})
	}
}

// TestAttackDroppedUpload: an exchange that is dropped while its request is still
// being sent ends, upload and all.
func TestAttackDroppedUpload(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
		c.gone()
	})
	c := newClient(t, sonde.Config{})
	r, w := io.Pipe()
	defer w.Close()
	func() {
		ex, err := c.Open(background, sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(sonde.Reader(r, -1))))
		if err != nil {
			t.Fatal(err)
		}
		ex.Body.Read(make([]byte, 4))
	}()
	noticed(t, c)
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("the request's body is still read")
	}
}
