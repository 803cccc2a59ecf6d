package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/event"
	"sonde/internal/fault"
)

const ms = time.Millisecond

// lookupPlan is how a fake look-up goes.
type lookupPlan struct {
	after time.Duration
	addrs string // with blanks between
	err   error
	deaf  bool // ignores its context
}

// script says how a fake network behaves.
type script struct {
	six, four lookupPlan
	hosts     map[string]hostPlan // by address; a missing one never answers
}

// scripted is a Resolver and a network of fakes.
type scripted struct {
	script
	mu     sync.Mutex
	origin time.Time
	tried  []string // "250ms 192.0.2.1"
	open   int      // connections made and not closed
}

type hostPlan struct {
	after time.Duration
	err   error
}

func (s *scripted) LookupNetIP(ctx context.Context, network, _ string) ([]netip.Addr, error) {
	p := s.four
	if network == "ip6" {
		p = s.six
	}
	if p.deaf {
		ctx = context.Background()
	}
	if err := sleep(ctx, p.after); err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range strings.Fields(p.addrs) {
		out = append(out, netip.MustParseAddr(a))
	}
	if len(out) == 0 && p.err == nil {
		p.err = &net.DNSError{Err: "no such host", Name: "name.test", IsNotFound: true}
	}
	return out, p.err
}

func (s *scripted) connect(ctx context.Context, remote netip.AddrPort, _ *event.Log) (net.Conn, error) {
	s.mu.Lock()
	s.tried = append(s.tried, time.Since(s.origin).String()+" "+remote.Addr().String())
	s.mu.Unlock()
	host, ok := s.hosts[remote.Addr().String()]
	if !ok {
		host.after = time.Hour
	}
	err := sleep(ctx, host.after)
	if err == nil {
		err = host.err
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
	}
	s.count(1)
	return &fakeConn{remote: remote, closed: func() { s.count(-1) }}, nil
}

func (s *scripted) count(n int) {
	s.mu.Lock()
	s.open += n
	s.mu.Unlock()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type fakeConn struct {
	net.Conn
	remote netip.AddrPort
	closed func()
	once   sync.Once
}

func (c *fakeConn) Close() error         { c.once.Do(c.closed); return nil }
func (c *fakeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func TestRace(t *testing.T) {
	const six1, six2, four1, four2 = "2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"
	refused := hostPlan{after: 10 * ms, err: syscall.ECONNREFUSED}
	both := script{
		six: lookupPlan{after: ms, addrs: six1 + " " + six2}, four: lookupPlan{after: ms, addrs: four1 + " " + four2},
	}
	with := func(hosts map[string]hostPlan) script { s := both; s.hosts = hosts; return s }
	for _, c := range []struct {
		name  string
		net   script
		tried string        // with commas between
		win   string        // the address connected to
		end   time.Duration // when Dial returned
		op    string
		is    []error
		text  []string // parts of the error's text
	}{
		{name: "the first address wins", net: with(map[string]hostPlan{six1: {after: 20 * ms}}),
			tried: "1ms " + six1, win: six1, end: 21 * ms},
		{name: "a silent first address costs the attempt delay", net: with(map[string]hostPlan{four1: {after: 20 * ms}}),
			tried: "1ms " + six1 + ",251ms " + four1, win: four1, end: 271 * ms},
		{name: "a slow first address may still win",
			net:   with(map[string]hostPlan{six1: {after: 300 * ms}, four1: {after: 100 * ms}}),
			tried: "1ms " + six1 + ",251ms " + four1, win: six1, end: 301 * ms},
		{name: "a refusal costs nothing more", net: with(map[string]hostPlan{six1: refused, four1: {after: 20 * ms}}),
			tried: "1ms " + six1 + ",11ms " + four1, win: four1, end: 31 * ms},
		{name: "all refuse", net: with(map[string]hostPlan{six1: refused, six2: refused, four1: refused, four2: refused}),
			tried: "1ms " + six1 + ",11ms " + four1 + ",21ms " + six2 + ",31ms " + four2, end: 41 * ms,
			op: fault.Connect, is: []error{syscall.ECONNREFUSED}, text: []string{six1, six2, four1, four2, "connection refused"}},
		{name: "IPv4 only", net: script{six: lookupPlan{after: ms}, four: lookupPlan{after: ms, addrs: four1},
			hosts: map[string]hostPlan{four1: {after: ms}}}, tried: "1ms " + four1, win: four1, end: 2 * ms},
		{name: "IPv6 only", net: script{six: lookupPlan{after: ms, addrs: six1}, four: lookupPlan{after: ms},
			hosts: map[string]hostPlan{six1: {after: ms}}}, tried: "1ms " + six1, win: six1, end: 2 * ms},
		{name: "the resolution delay, then IPv4", net: script{six: lookupPlan{after: time.Second, addrs: six1},
			four: lookupPlan{after: 10 * ms, addrs: four1}, hosts: map[string]hostPlan{four1: {after: ms}}},
			tried: "60ms " + four1, win: four1, end: 61 * ms},
		{name: "AAAA within the resolution delay", net: script{six: lookupPlan{after: 40 * ms, addrs: six1},
			four: lookupPlan{after: 10 * ms, addrs: four1}, hosts: map[string]hostPlan{six1: {after: ms}}},
			tried: "40ms " + six1, win: six1, end: 41 * ms},
		{name: "a deaf look-up holds nobody back", net: script{six: lookupPlan{after: time.Minute, deaf: true},
			four: lookupPlan{after: 10 * ms, addrs: four1}, hosts: map[string]hostPlan{four1: {after: ms}}},
			tried: "60ms " + four1, win: four1, end: 61 * ms},
		{name: "no such host", net: script{}, op: fault.Resolve, text: []string{"name.test", "no such host"}},
		{name: "one look-up fails, the other has none", net: script{six: lookupPlan{err: errors.New("server misbehaving")}},
			op: fault.Resolve, text: []string{"server misbehaving"}},
		{name: "a failed look-up beside a failed attempt", net: script{six: lookupPlan{err: errors.New("server misbehaving")},
			four: lookupPlan{addrs: four1}, hosts: map[string]hostPlan{four1: refused}},
			tried: "0s " + four1, end: 10 * ms, op: fault.Connect, is: []error{syscall.ECONNREFUSED},
			text: []string{four1, "server misbehaving"}},
		{name: "timeout of the look-up", net: script{six: lookupPlan{after: time.Hour}, four: lookupPlan{after: time.Hour}},
			end: 2 * time.Second, op: fault.Resolve, is: []error{os.ErrDeadlineExceeded}, text: []string{"name.test"}},
		{name: "timeout of the race", net: with(map[string]hostPlan{six1: refused}),
			tried: "1ms " + six1 + ",11ms " + four1 + ",261ms " + six2 + ",511ms " + four2, end: 2 * time.Second,
			op: fault.Connect, is: []error{os.ErrDeadlineExceeded, syscall.ECONNREFUSED},
			text: []string{six1, six2, four1, four2, "connection refused", "i/o timeout"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{script: c.net, origin: time.Now()}
				d := New(Config{Resolver: s, ConnectTimeout: 2 * time.Second})
				d.open = s.connect
				res, err := d.Dial(context.Background(), routeTo("http", "name.test", "80"), nil)
				if got := time.Since(s.origin); got != c.end {
					t.Errorf("returned after %v, want %v", got, c.end)
				}
				if c.op != "" {
					wantFault(t, err, c.op, c.is...)
					for _, part := range c.text {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("%q does not tell of %q", err, part)
						}
					}
				} else if err != nil {
					t.Fatal(err)
				} else if got := res.Socket.RemoteAddr().String(); !strings.Contains(got, c.win) {
					t.Errorf("connected to %s, want %s", got, c.win)
				}
				synctest.Wait() // the losers end without time passing
				s.check(t, c.tried, c.op == "")
				if res.Socket != nil {
					res.Socket.Kill()
				}
				time.Sleep(2 * time.Hour) // until deaf look-ups are over
			})
		})
	}
}

func (s *scripted) check(t *testing.T, tried string, won bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.tried, ","); got != tried {
		t.Errorf("tried %s\nwant  %s", got, tried)
	}
	want := 0
	if won {
		want = 1
	}
	if s.open != want {
		t.Errorf("%d connections are open, want %d", s.open, want)
	}
}

// TestRaceTie lets every address connect in the same instant: one is returned, the
// others are closed.
func TestRaceTie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{origin: time.Now(), script: script{
			six: lookupPlan{addrs: "2001:db8::1 2001:db8::2"}, four: lookupPlan{addrs: "192.0.2.1"},
			hosts: map[string]hostPlan{"2001:db8::1": {after: 500 * ms}, "192.0.2.1": {after: 250 * ms}, "2001:db8::2": {}}}}
		d := New(Config{Resolver: s})
		d.open = s.connect
		res, err := d.Dial(context.Background(), routeTo("http", "name.test", "80"), nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.open != 1 {
			t.Errorf("%d connections are open, want 1", s.open)
		}
		res.Socket.Kill()
	})
}

func TestRaceCancel(t *testing.T) {
	cause := errors.New("the user went away")
	for _, c := range []struct {
		name string
		net  script
		at   time.Duration
		op   string
	}{
		{"before", script{}, 0, fault.Connect},
		{"in the look-up", script{six: lookupPlan{after: time.Hour}, four: lookupPlan{after: time.Hour, deaf: true}}, 5 * ms, fault.Resolve},
		{"in the resolution delay", script{six: lookupPlan{after: time.Hour}, four: lookupPlan{addrs: "192.0.2.1"}}, 5 * ms, fault.Resolve},
		{"in the first attempt", script{six: lookupPlan{addrs: "2001:db8::1"}, four: lookupPlan{addrs: "192.0.2.1"}}, 5 * ms, fault.Connect},
		{"in the second attempt", script{six: lookupPlan{addrs: "2001:db8::1"}, four: lookupPlan{addrs: "192.0.2.1"}}, 300 * ms, fault.Connect},
		{"in an attempt without rivals", script{four: lookupPlan{addrs: "192.0.2.1"}}, 5 * ms, fault.Connect},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				s := &scripted{script: c.net, origin: time.Now()}
				d := New(Config{Resolver: s, ConnectTimeout: time.Minute})
				d.open = s.connect
				ctx, cancel := context.WithCancelCause(context.Background())
				if c.at == 0 {
					cancel(cause)
				}
				time.AfterFunc(c.at, func() { cancel(cause) })
				_, err := d.Dial(ctx, routeTo("http", "name.test", "80"), nil)
				wantFault(t, err, c.op, context.Canceled, cause)
				if got := time.Since(begin); got != c.at {
					t.Errorf("returned after %v, want %v", got, c.at)
				}
				time.Sleep(2 * time.Hour)
			})
		})
		t.Run(c.name+", deadline", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{script: c.net, origin: time.Now()}
				d := New(Config{Resolver: s, ConnectTimeout: time.Minute})
				d.open = s.connect
				ctx, cancel := context.WithTimeoutCause(context.Background(), c.at, cause)
				defer cancel()
				_, err := d.Dial(ctx, routeTo("http", "name.test", "80"), nil)
				wantFault(t, err, c.op, context.DeadlineExceeded, cause)
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// TestRaceFamilyOfLocalAddr asks only for addresses that the local one can reach.
func TestRaceFamilyOfLocalAddr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{origin: time.Now(), script: script{six: lookupPlan{after: time.Hour, deaf: true},
			four: lookupPlan{addrs: "192.0.2.1"}, hosts: map[string]hostPlan{"192.0.2.1": {}}}}
		d := New(Config{Resolver: s, LocalAddr: netip.MustParseAddr("192.0.2.9")})
		d.open = s.connect
		res, err := d.Dial(context.Background(), routeTo("http", "name.test", "80"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(s.origin); got != 0 {
			t.Errorf("connected after %v, want no wait for the other family", got)
		}
		res.Socket.Kill()
		time.Sleep(2 * time.Hour)
	})
}

// deaf is a Resolver that has no deadline: it waits for the end of its context, or, if
// that is not nil, for until.
type deaf struct{ until chan struct{} }

func (d deaf) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	if d.until != nil {
		<-d.until
	} else {
		<-ctx.Done()
	}
	return nil, ctx.Err()
}

// TestLookUpForProxyEnds: the connect timeout and the context end a look-up that is made
// for a proxy.
func TestLookUpForProxyEnds(t *testing.T) {
	until := make(chan struct{})
	defer close(until)
	cause := errors.New("enough")
	for _, resolver := range []deaf{{}, {until}} {
		ctx, cancel := context.WithCancelCause(context.Background())
		for _, ctx := range []context.Context{context.Background(), ctx} {
			_, err := New(Config{Resolver: resolver, ConnectTimeout: 20 * ms}).lookUp(ctx, "name.test", nil)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		}
		time.AfterFunc(20*ms, func() { cancel(cause) })
		if _, err := New(Config{Resolver: resolver}).lookUp(ctx, "name.test", nil); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Error(err)
		}
	}
}
