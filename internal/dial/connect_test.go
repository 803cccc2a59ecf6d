package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/porttest"
	"sonde/trace"
)

func TestDialAddresses(t *testing.T) {
	l4 := server(t, "tcp4", "127.0.0.1:0", drain)
	for _, c := range []struct {
		name, host string
		listener   func() net.Listener
		want       string
	}{
		{"IPv4 address", "127.0.0.1", func() net.Listener { return l4 }, "tcp connect-start connect-done"},
		{"IPv4 address as IPv6", "::ffff:127.0.0.1", func() net.Listener { return l4 }, "connect-start connect-done"},
		{"IPv6 address", "::1", func() net.Listener { return server(t, "tcp6", "[::1]:0", drain) }, "connect-start connect-done"},
		{"IPv6 address with a zone", "::1%lo", func() net.Listener { return server(t, "tcp6", "[::1]:0", drain) }, "connect-start connect-done"},
		{"name with one address", "four.test", func() net.Listener { return l4 }, "dns-start dns-done connect-start connect-done"},
		{"name with a dead IPv6 address", "both.test", func() net.Listener { return l4 },
			"dns-start dns-done connect-start connect-done! connect-start connect-done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := c.listener()
			rec, log := recorded()
			d := New(Config{Resolver: names{"four.test": {"127.0.0.1"}, "both.test": {"127.0.0.1", "::1"}}})
			res, err := d.Dial(context.Background(), routeTo("http", c.host, portOf(l)), log)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Socket.Kill()
			if got := res.Socket.RemoteAddr().(*net.TCPAddr).Port; fmt.Sprint(got) != portOf(l) {
				t.Errorf("connected to port %d", got)
			}
			if res.TLS != nil || res.State != nil || res.Proto != "" {
				t.Errorf("a plain connection has TLS: %+v", res)
			}
			if got, want := kinds(rec), strings.TrimPrefix(c.want, "tcp "); got != want {
				t.Errorf("events %s\nwant   %s", got, want)
			}
			last := rec.Events()[rec.Count(trace.ConnectDone)-1]
			for _, e := range rec.Events() {
				last = e
				if e.Call != 7 || e.Attempt != 2 || e.Time.IsZero() {
					t.Errorf("event without its ids or time: %+v", e)
				}
			}
			if last.Network() != "tcp" || !last.Local().IsValid() || !last.Remote().IsValid() {
				t.Errorf("addresses of %+v", last)
			}
			if res.Times.Connect <= 0 || (res.Times.DNS > 0) != strings.Contains(c.host, "test") {
				t.Errorf("times %+v", res.Times)
			}
		})
	}
}

func TestDNSEvents(t *testing.T) {
	l := server(t, "tcp4", "127.0.0.1:0", drain)
	rec, log := recorded()
	d := New(Config{Resolver: names{"name.test": {"127.0.0.1"}}})
	res, err := d.Dial(context.Background(), routeTo("http", "name.test", portOf(l)), log)
	if err != nil {
		t.Fatal(err)
	}
	res.Socket.Kill()
	_, err = d.Dial(context.Background(), routeTo("http", "none.test", portOf(l)), log)
	wantFault(t, err, fault.Resolve)
	if want := "dns-start dns-done connect-start connect-done dns-start dns-done!"; kinds(rec) != want {
		t.Errorf("events %s\nwant   %s", kinds(rec), want)
	}
	if e := rec.Events()[1]; e.Host() != "name.test" || fmt.Sprint(e.Addrs()) != "[127.0.0.1]" {
		t.Errorf("dns-done is %+v", e)
	}
}

func TestRefused(t *testing.T) {
	port := porttest.Closed
	d := New(Config{Resolver: names{"two.test": {"127.0.0.1", "127.0.0.2"}}})
	_, err := d.Dial(context.Background(), routeTo("http", "127.0.0.1", port), nil)
	wantFault(t, err, fault.Connect, syscall.ECONNREFUSED)
	_, err = d.Dial(context.Background(), routeTo("http", "two.test", port), nil)
	wantFault(t, err, fault.Connect, syscall.ECONNREFUSED)
	for _, addr := range []string{"127.0.0.1:" + port, "127.0.0.2:" + port} {
		if !strings.Contains(err.Error(), addr) {
			t.Errorf("%q does not name %s", err, addr)
		}
	}
	_, err = d.Dial(context.Background(), routeTo("http", "127.0.0.1", "70000"), nil)
	wantFault(t, err, fault.Connect)
}

// TestContextAfterDial: the end of the context has no effect on the connection,
// and no deadline stays on it.
func TestContextAfterDial(t *testing.T) {
	l := server(t, "tcp4", "127.0.0.1:0", func(c net.Conn) {
		time.Sleep(100 * ms)
		c.Write([]byte("x"))
		drain(c)
	})
	for _, host := range []string{"127.0.0.1", "name.test"} {
		d := New(Config{Resolver: names{"name.test": {"127.0.0.1"}}, ConnectTimeout: 50 * ms})
		ctx, cancel := context.WithCancel(context.Background())
		res, err := d.Dial(ctx, routeTo("http", host, portOf(l)), nil)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := res.Socket.Read(make([]byte, 1)); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if _, err := res.Socket.Write([]byte("y")); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		res.Socket.Kill()
	}
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server(t, "unix", path, drain)
	route := routeTo("http", "name.test", "80")
	route.Unix = path
	rec, log := recorded()
	d := New(Config{ConnectTimeout: time.Second, LocalAddr: netip.MustParseAddr("127.0.0.1")})
	res, err := d.Dial(context.Background(), route, log)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Socket.Kill()
	if _, ok := res.Socket.Raw().(*net.UnixConn); !ok {
		t.Errorf("the connection is %T", res.Socket.Raw())
	}
	if got := kinds(rec); got != "connect-start connect-done" || rec.Events()[1].Network() != "unix" {
		t.Errorf("events %s", got)
	}
	route.Unix += ".none"
	_, err = d.Dial(context.Background(), route, nil)
	wantFault(t, err, fault.Connect, os.ErrNotExist)
}

func TestLocalAddrAndControl(t *testing.T) {
	from := make(chan string, 1)
	l := server(t, "tcp4", "127.0.0.1:0", func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		drain(c)
	})
	local := "127.0.0.1"
	if runtime.GOOS == "linux" {
		local = "127.0.0.2"
	}
	var seen string
	d := New(Config{
		LocalAddr: netip.MustParseAddr(local),
		Control:   func(network, addr string, _ syscall.RawConn) error { seen = network + " " + addr; return nil },
	})
	res, err := d.Dial(context.Background(), routeTo("http", "127.0.0.1", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Socket.Kill()
	if got := <-from; got != local {
		t.Errorf("came from %s, want %s", got, local)
	}
	if want := "tcp4 127.0.0.1:" + portOf(l); seen != want {
		t.Errorf("Control saw %q, want %q", seen, want)
	}
	no := errors.New("not this one")
	d = New(Config{Control: func(string, string, syscall.RawConn) error { return no }})
	_, err = d.Dial(context.Background(), routeTo("http", "127.0.0.1", portOf(l)), nil)
	wantFault(t, err, fault.Connect, no)
}

// TestNoInnerHooks: package net must not fire the hooks of net/http/httptrace that
// the context may carry, since they are fired from our own events.
func TestNoInnerHooks(t *testing.T) {
	l := server(t, "tcp4", "127.0.0.1:0", drain)
	fired := func(string, string) { t.Error("ConnectStart was fired by package net") }
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		ConnectStart: fired,
		ConnectDone:  func(network, addr string, _ error) { fired(network, addr) },
		DNSStart:     func(httptrace.DNSStartInfo) { t.Error("DNSStart was fired by package net") },
		DNSDone:      func(httptrace.DNSDoneInfo) { t.Error("DNSDone was fired by package net") },
	})
	type key struct{}
	ctx = context.WithValue(ctx, key{}, "kept")
	resolver := resolverFunc(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		if ctx.Value(key{}) != "kept" {
			t.Error("the context's values are lost")
		}
		return net.DefaultResolver.LookupNetIP(ctx, network, host)
	})
	for _, host := range []string{"127.0.0.1", "localhost"} {
		res, err := New(Config{Resolver: resolver}).Dial(ctx, routeTo("http", host, portOf(l)), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Socket.Kill()
	}
}

type resolverFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return f(ctx, network, host)
}

// TestBoundCostsNoGoroutine: a context below a bound ends with it, and needs no
// goroutine to.
func TestBoundCostsNoGoroutine(t *testing.T) {
	for _, parent := range []func() (context.Context, func()){
		func() (context.Context, func()) { return context.Background(), func() {} },
		func() (context.Context, func()) {
			c, cancel := context.WithCancel(context.Background())
			return context.WithValue(c, t, 1), cancel
		},
	} {
		ctx, cancelParent := parent()
		before := runtime.NumGoroutine()
		inner, cancel := context.WithCancel(newBound(ctx, time.Minute))
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines more", n-before)
		}
		if at, ok := inner.Deadline(); !ok || time.Until(at) > time.Minute {
			t.Errorf("deadline %v %v", at, ok)
		}
		cancelParent()
		if ctx.Err() != nil && inner.Err() == nil {
			t.Error("the end of the caller's context did not arrive")
		}
		cancel()
	}
}

// TestDialAllocs bounds what a plain connection costs: package net's own 15, and ten,
// whatever bounds it and can end it: the early connect has a Control, for which package
// net makes the addresses text, and spares what a context costs that is waited for.
func TestDialAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// Nobody accepts: a server's own allocations in this process would count too, now
	// more, now fewer. Each listener has few enough to wait.
	count := func(dial func(addr string, to message.Route) error) float64 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addr, to := l.Addr().String(), routeTo("http", "127.0.0.1", portOf(l))
		return testing.AllocsPerRun(50, func() {
			if err := dial(addr, to); err != nil {
				t.Fatal(err)
			}
		})
	}
	plain := count(func(addr string, _ message.Route) error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
	for _, c := range []struct {
		name string
		ctx  context.Context
		d    *Dialer
	}{
		{"nothing set", context.Background(), New(Config{})},
		{"timeout", context.Background(), New(Config{ConnectTimeout: time.Minute})},
		{"timeout and cancellable", ctx, New(Config{ConnectTimeout: time.Minute})},
	} {
		got := count(func(_ string, to message.Route) error {
			res, err := c.d.Dial(c.ctx, to, nil)
			if err == nil {
				res.Socket.Kill()
			}
			return err
		})
		t.Logf("%s: %.0f allocations, %+.0f to net.Dial", c.name, got, got-plain)
		if got > plain+10 {
			t.Errorf("%s: %.0f allocations, net.Dial %.0f", c.name, got, plain)
		}
	}
}
