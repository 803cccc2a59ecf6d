package inspect_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"sonde/inspect"
	"sonde/internal/watchtest"
)

// TestNames: several names for one server cost a connection each, which is told
// from several servers and from one name.
func TestNames(t *testing.T) {
	t.Parallel()
	const several = "a.example.org b.example.org c.example.org d.example.org"
	tests := []struct {
		name, program, names, want string
		server                     serverOptions
	}{
		{name: "names apart", program: "names", names: several, want: "names-apart"},
		{name: "one name", program: "names", names: "a.example.org"},
		{name: "TLS 1.2, one certificate", program: "names-tls", names: several, server: serverOptions{tls: true}, want: "names-apart"},
		{name: "TLS 1.2, one name", program: "names-tls", names: "a.example.org", server: serverOptions{tls: true}},
		{name: "names apart, server asks close", program: "names", names: several, server: serverOptions{noKeep: true}, want: "server-asks-close"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() []string {
				s := serve(t, tt.server)
				address := s.Listener.Addr().String()
				w := watchtest.Start(t, watchtest.Ear{}, portOf(t, address))
				watchtest.Run(t, tt.program, append([]string{address}, strings.Fields(tt.names)...)...)
				return judged(s, &w.Report().Verdict, tt.want, inspect.Client)
			})
		})
	}
}

// judged compares a verdict with the causes that are wanted, the side of the first
// one, and what the server counted.
func judged(s *counted, v *inspect.Verdict, want string, side inspect.Side) []string {
	faults := watchtest.Wrong(v, want)
	if len(v.Causes) > 0 && v.Causes[0].Cause != inspect.ServerAsksClose && v.Causes[0].Side != side {
		faults = append(faults, fmt.Sprintf("%s is on the side of the %s, not the %s", v.Causes[0].Cause, v.Causes[0].Side, side))
	}
	if r, c := int(s.requests.Load()), int(s.conns.Load()); v.Requests != r || v.Connections != c {
		faults = append(faults, fmt.Sprintf("%d requests on %d connections, the server counted %d on %d", v.Requests, v.Connections, r, c))
	}
	return faults
}

// TestDNS: a program that goes where DNS says leaves connections behind when the
// answers change. One that comes back to them is balancing, and net/http by itself
// keeps to the name.
func TestDNS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, program, want string
		answer              func(n int) int // the last number of 127.0.0.x, for the query of that number
	}{
		{name: "answers change", program: "by-address", answer: func(n int) int { return 1 + n/2 }, want: "dns-changes"},
		{name: "answers stay", program: "by-address", answer: func(int) int { return 1 }},
		{name: "answers in turn", program: "by-address", answer: func(n int) int { return 1 + n%4 }},
		{name: "net/http", program: "by-name", answer: func(n int) int { return 1 + n%6 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() []string {
				s, port := serveLoopback(t, 6)
				dns := serveDNS(t, tt.answer)
				w := watchtest.Start(t, watchtest.Ear{}, port)
				watchtest.Run(t, tt.program, fmt.Sprintf("http://service.example:%d/", port), dns)
				return judged(s, &w.Report().Verdict, tt.want, inspect.Between)
			})
		})
	}
}

// serveLoopback is a server at 127.0.0.1 and the addresses behind it, on one port.
func serveLoopback(t *testing.T, addresses int) (*counted, int) {
	t.Helper()
	s := serve(t, serverOptions{})
	port := portOf(t, s.Listener.Addr().String())
	for n := 2; n <= addresses; n++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:%d", n, port))
		if err != nil {
			t.Fatal(err)
		}
		go s.Config.Serve(l) // ends with the server
	}
	return s, port
}

// serveDNS answers each query for an address, by its number from 0 on.
func serveDNS(t *testing.T, answer func(n int) int) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var queries atomic.Int64
	go func() {
		b := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(b[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				last := answer(int(queries.Add(1)) - 1)
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.AddrFrom4([4]byte{127, 0, 0, byte(last)}).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				c.WriteTo(out, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// TestRetries: requests that are sent again because they were lost are told from
// those that are only lost, and from those that are sent again behind an answer.
func TestRetries(t *testing.T) {
	t.Parallel()
	drop := func(w http.ResponseWriter) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
	// often answers each resource the second time that it is asked for.
	often := func(refuse func(http.ResponseWriter, *http.Request)) func() http.HandlerFunc {
		return func() http.HandlerFunc {
			var seen [10]atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) {
				if seen[r.URL.Path[len(r.URL.Path)-1]-'0'].Add(1) == 1 {
					refuse(w, r)
					return
				}
				fmt.Fprint(w, "Hello world")
			}
		}
	}
	dropped := often(func(w http.ResponseWriter, _ *http.Request) { drop(w) })
	tests := []struct {
		name, program, want string
		side                inspect.Side
		handler             func() http.HandlerFunc
	}{
		{"lost and sent again", "retries", "server-resets retries", inspect.Server, dropped},
		{"lost", "no-retries", "server-resets", inspect.Server, dropped},
		{"refused by 503 and sent again", "retries", "", inspect.NoSide, often(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })},
		{"given up and sent again", "retries-late", "client-gives-up retries", inspect.Client, often(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })},
		{"answered", "retries", "", inspect.NoSide, often(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "Hello world") })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() []string {
				s := serve(t, serverOptions{handler: tt.handler()})
				w := watchtest.Start(t, watchtest.Ear{}, portOf(t, s.Listener.Addr().String()))
				watchtest.Run(t, tt.program, s.URL)
				return judged(s, &w.Report().Verdict, tt.want, tt.side)
			})
		})
	}
}
