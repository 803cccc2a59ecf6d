package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sonde/internal/fault"
	"sonde/internal/message"
)

var errForbidden = errors.New("forbidden here")

// watchful is a guard that forbids addresses and notes all that it is asked about.
type watchful struct {
	mu    sync.Mutex
	not   string // prefix of forbidden addresses
	asked []string
}

func (w *watchful) judge(a netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, a.String())
	if strings.HasPrefix(a.String(), w.not) {
		return errForbidden
	}
	return nil
}

// TestGuard: what is refused is never connected to, in whatever form it comes.
func TestGuard(t *testing.T) {
	l := server(t, "tcp", "127.0.0.1:0", func(net.Conn) { t.Error("the guarded server was connected to") })
	port := portOf(l)
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "name", "mapped", "several"} {
		w := &watchful{not: "127."}
		d := New(Config{Guard: w.judge, Resolver: names{
			"name": {"127.0.0.1"}, "mapped": {"::ffff:127.0.0.1", "127.0.0.1"}, "several": {"127.0.0.1", "127.0.0.2"},
		}})
		rec, log := recorded()
		_, err := d.Dial(context.Background(), routeTo("http", host, port), log)
		wantFault(t, err, fault.Connect, errForbidden)
		if !strings.Contains(err.Error(), "127.0.0.1:"+port+": forbidden here") {
			t.Errorf("%s: %v", host, err)
		}
		if !strings.HasSuffix(kinds(rec), "connect-start connect-done!") {
			t.Errorf("%s: events %s", host, kinds(rec))
		}
	}
}

// TestGuardOthers: an address that is refused does not keep the others of its
// name from being used.
func TestGuardOthers(t *testing.T) {
	l := server(t, "tcp", "127.0.0.1:0", drain)
	w := &watchful{not: "127.0.0.9"}
	d := New(Config{Guard: w.judge, Resolver: names{"name": {"127.0.0.9", "127.0.0.1"}}})
	r, err := d.Dial(context.Background(), routeTo("http", "name", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Socket.Kill()
	if got := r.Socket.RemoteAddr().String(); got != "127.0.0.1:"+portOf(l) {
		t.Error(got)
	}
	if got := strings.Join(w.asked, " "); got != "127.0.0.9:"+portOf(l)+" 127.0.0.1:"+portOf(l) {
		t.Error("asked about", got)
	}
}

// rebinding is a Resolver whose answer changes after the first time.
type rebinding struct {
	mu    sync.Mutex
	calls int
}

func (r *rebinding) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, notFound(host)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls++; r.calls == 1 {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
}

// TestGuardRebinding: each connection is judged, not the name once.
func TestGuardRebinding(t *testing.T) {
	l := server(t, "tcp", "127.0.0.1:0", drain)
	d := New(Config{Guard: (&watchful{not: "127.0.0.2"}).judge, Resolver: &rebinding{}})
	r, err := d.Dial(context.Background(), routeTo("http", "name", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Socket.Kill()
	_, err = d.Dial(context.Background(), routeTo("http", "name", portOf(l)), nil)
	wantFault(t, err, fault.Connect, errForbidden)
}

// noAddress is a connection that does not say where it leads.
type noAddress struct{ net.Conn }

func (noAddress) RemoteAddr() net.Addr { return nil }

// TestGuardCustomDial: a connection of the caller's is judged once it is there.
func TestGuardCustomDial(t *testing.T) {
	l := server(t, "tcp", "127.0.0.1:0", drain)
	var made net.Conn
	nowhere := false
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if network == "unix" {
			a, b := net.Pipe()
			t.Cleanup(func() { b.Close() })
			return a, nil
		}
		c, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if made = c; nowhere {
			c = noAddress{c}
		}
		return c, err
	}
	w := &watchful{not: "127."}
	d := New(Config{Guard: w.judge, Dial: dial})
	_, err := d.Dial(context.Background(), routeTo("http", "name", "80"), nil)
	wantFault(t, err, fault.Connect, errForbidden)
	if _, err := made.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Error("the connection was not closed:", err)
	}

	nowhere = true
	_, err = d.Dial(context.Background(), routeTo("http", "name", "80"), nil)
	wantFault(t, err, fault.Connect, errNoAddress)

	nowhere, w.not = false, "10."
	r, err := d.Dial(context.Background(), routeTo("http", "name", "80"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Socket.Kill()

	route := routeTo("http", "name", "80")
	route.Unix = "/somewhere" // chosen by the program, not by a URL
	r, err = d.Dial(context.Background(), route, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Socket.Kill()
}

// TestGuardUnix: a unix socket is the program's choice, and no address.
func TestGuardUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server(t, "unix", path, drain)
	d := New(Config{Guard: func(netip.AddrPort) error { return errForbidden }})
	r, err := d.Dial(context.Background(), message.Route{Origin: message.Origin{Scheme: "http", Host: "x", Port: "80"}, Unix: path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Socket.Kill()
}
