package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/fault"
	"sonde/internal/message"
)

func TestBorrowPipe(t *testing.T) {
	var got string
	near, far := net.Pipe()
	defer far.Close()
	rec, log := recorded()
	d := New(Config{Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
		got = network + " " + addr
		return near, nil
	}, ConnectTimeout: time.Minute})
	res, err := d.Dial(context.Background(), routeTo("http", "2001:db8::1", "80"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Socket.Kill()
	if got != "tcp [2001:db8::1]:80" {
		t.Errorf("Dial got %q", got)
	}
	if res.Socket.Raw() != near || !res.Socket.Layered() {
		t.Error("the connection is not the one that Dial made")
	}
	if kinds(rec) != "connect-start connect-done" || rec.Events()[0].Host() != "[2001:db8::1]:80" {
		t.Errorf("events %+v", rec.Events())
	}
	route := routeTo("http", "name.test", "80")
	route.Unix = "/run/s"
	if _, err := d.Dial(context.Background(), route, nil); err != nil || got != "unix /run/s" {
		t.Errorf("Dial got %q, %v", got, err)
	}
}

// TestBorrowTLSOverPipe: https over a plain connection of a custom dialer.
func TestBorrowTLSOverPipe(t *testing.T) {
	ca := newAuthority(t)
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "name.test")}})
		b := make([]byte, 1)
		s.Read(b)
		s.Write([]byte("ok"))
		drain(s)
		far.Close()
	}()
	d := New(Config{TLS: &tls.Config{RootCAs: ca.pool},
		Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
	res, err := d.Dial(context.Background(), routeTo("https", "name.test", "443"), nil)
	if err != nil {
		t.Fatal(err)
	}
	talk(t, res.TLS)
	res.Socket.Kill()
	<-done
}

// TestBorrowTLS: a connection that is TLS already gets no second handshake, and
// its ALPN result counts.
func TestBorrowTLS(t *testing.T) {
	ca := newAuthority(t)
	l := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "name.test")}, NextProtos: []string{"h2", "http/1.1"}})
	for _, c := range []struct {
		name      string
		shaken    bool
		offered   string
		protocols message.Protocols
		fails     bool
	}{
		{"after its handshake", true, "http/1.1", message.HTTP1, false},
		{"before its handshake", false, "http/1.1", message.HTTP1, false},
		{"h2", true, "h2", message.HTTP1 | message.HTTP2, false},
		{"h2 that the route does not allow", true, "h2", message.HTTP1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := New(Config{TLSTimeout: time.Minute, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				raw, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					return nil, err
				}
				conn := tls.Client(raw, &tls.Config{RootCAs: ca.pool, ServerName: "name.test", NextProtos: []string{c.offered}})
				if c.shaken {
					err = conn.HandshakeContext(ctx)
				}
				return conn, err
			}})
			rec, log := recorded()
			route := routeTo("https", "name.test", "443")
			route.Protocols = c.protocols
			res, err := d.Dial(context.Background(), route, log)
			if c.fails {
				wantFault(t, err, fault.TLS)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Socket.Kill()
			talk(t, res.Socket)
			if res.TLS != nil || res.State == nil || !res.State.HandshakeComplete || res.Proto != c.offered {
				t.Errorf("TLS %v, state %+v, ALPN %q", res.TLS, res.State, res.Proto)
			}
			if kinds(rec) != "connect-start connect-done tls-start tls-done" {
				t.Errorf("events %s", kinds(rec))
			}
		})
	}
}

func TestBorrowErrors(t *testing.T) {
	mine := errors.New("no way")
	route := routeTo("http", "name.test", "80")
	for _, timeout := range []time.Duration{0, time.Minute} {
		d := New(Config{ConnectTimeout: timeout, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, mine }})
		_, err := d.Dial(context.Background(), route, nil)
		wantFault(t, err, fault.Connect, mine)
		d = New(Config{ConnectTimeout: timeout, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, nil }})
		_, err = d.Dial(context.Background(), route, nil)
		wantFault(t, err, fault.Connect, errNoConn)
	}
}

// TestBorrowDeaf: a Dial that looks at no context is left behind, and what it
// returns in the end is closed.
func TestBorrowDeaf(t *testing.T) {
	cause := errors.New("enough")
	for _, c := range []struct {
		name    string
		timeout time.Duration
		cancel  bool
		is      []error
	}{
		{"timeout", 50 * ms, false, []error{os.ErrDeadlineExceeded}},
		{"cancel", time.Minute, true, []error{context.Canceled, cause}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var open atomic.Int32
				d := New(Config{ConnectTimeout: c.timeout, Dial: func(context.Context, string, string) (net.Conn, error) {
					time.Sleep(time.Hour)
					open.Add(1)
					return &fakeConn{closed: func() { open.Add(-1) }}, nil
				}})
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				if c.cancel {
					time.AfterFunc(50*ms, func() { cancel(cause) })
				}
				begin := time.Now()
				_, err := d.Dial(ctx, routeTo("http", "name.test", "80"), nil)
				wantFault(t, err, fault.Connect, c.is...)
				if took := time.Since(begin); took != 50*ms {
					t.Errorf("took %v", took)
				}
				time.Sleep(2 * time.Hour)
				if n := open.Load(); n != 0 {
					t.Errorf("%d connections were left open", n)
				}
			})
		})
	}
}

// TestBorrowKeepsHooks: a Dial that uses a net.Dialer fires the caller's hooks, as
// under net/http.
func TestBorrowKeepsHooks(t *testing.T) {
	l := server(t, "tcp4", "127.0.0.1:0", drain)
	fired := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		ConnectStart: func(string, string) { fired++ },
	})
	res, err := New(Config{Dial: new(net.Dialer).DialContext}).Dial(ctx, routeTo("http", "127.0.0.1", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Socket.Kill()
	if fired != 1 {
		t.Errorf("ConnectStart fired %d times, want once", fired)
	}
}

// TestBorrowLateContext: a Dial that looks at the deadline by itself may be a moment
// ahead of the context. The call ended for the context's reason all the same.
func TestBorrowLateContext(t *testing.T) {
	cause := errors.New("enough")
	d := New(Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		for at, _ := ctx.Deadline(); time.Now().Before(at); {
		}
		return nil, os.ErrDeadlineExceeded
	}})
	for range 20 {
		ctx, cancel := context.WithTimeoutCause(context.Background(), 2*ms, cause)
		_, err := d.Dial(ctx, routeTo("http", "name.test", "80"), nil)
		wantFault(t, err, fault.Connect, context.DeadlineExceeded, cause)
		cancel()
	}
}
