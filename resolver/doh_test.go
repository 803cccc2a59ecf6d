package resolver_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"sonde"
	"sonde/resolver"
)

// dohServer is a scripted DoH server, at the name example.com.
type dohServer struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(q dnsmessage.Question, m *dnsmessage.Message) // fills in m
	over   func(w http.ResponseWriter, packed []byte)         // writes it; nil: as it should be
	seen   []*http.Request
}

func newDoHServer(t testing.TB) *dohServer {
	s := &dohServer{}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *dohServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, r)
	var packed []byte
	var err error
	if r.Method == http.MethodGet {
		packed, err = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	} else {
		packed, err = io.ReadAll(r.Body)
	}
	var m dnsmessage.Message
	if err == nil {
		err = m.Unpack(packed)
	}
	if err != nil || len(m.Questions) != 1 || m.ID != 0 || !m.RecursionDesired || m.Response {
		http.Error(w, fmt.Sprint("no question: ", err), 400)
		return
	}
	m.Response = true
	s.answer(m.Questions[0], &m)
	if packed, err = m.Pack(); err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	if s.over != nil {
		s.over(w, packed)
		return
	}
	w.Header().Set("Content-Type", "application/dns-message")
	w.Write(packed)
}

// doh is a resolver that asks s.
func (s *dohServer) doh(t testing.TB, cfg resolver.DoHConfig) *resolver.DoH {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	u, _ := url.Parse(s.URL)
	cfg.Bootstrap = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	cfg.Change = func(c *sonde.Config) { c.TLS = &tls.Config{RootCAs: roots} }
	d, err := resolver.NewDoH("https://example.com:"+u.Port()+"/dns-query{?dns}", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func name(s string) dnsmessage.Name { return dnsmessage.MustNewName(s) }

func resource(owner string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name(owner), Class: dnsmessage.ClassINET, TTL: ttl}, Body: body}
}

func a(owner string, ttl uint32, addr string) dnsmessage.Resource {
	return resource(owner, ttl, &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()})
}

func aaaa(owner string, ttl uint32, addr string) dnsmessage.Resource {
	return resource(owner, ttl, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(addr).As16()})
}

func cname(owner string, ttl uint32, to string) dnsmessage.Resource {
	return resource(owner, ttl, &dnsmessage.CNAMEResource{CNAME: name(to)})
}

func soa(ttl, least uint32) dnsmessage.Resource {
	return resource("zone.", ttl, &dnsmessage.SOAResource{NS: name("ns."), MBox: name("m."), MinTTL: least})
}

func TestDoH(t *testing.T) {
	s := newDoHServer(t)
	for _, tt := range []struct {
		name, network, host  string
		answers, authorities []dnsmessage.Resource
		code                 dnsmessage.RCode
		want                 string // addresses; or "none"
		ttl                  time.Duration
	}{
		{"A", "ip4", "a.test", []dnsmessage.Resource{a("a.test.", 300, "192.0.2.1"), a("a.test.", 60, "192.0.2.2")}, nil, 0,
			"[192.0.2.1 192.0.2.2]", time.Minute},
		{"AAAA", "ip6", "A.TEST", []dnsmessage.Resource{aaaa("a.Test.", 5, "2001:db8::1")}, nil, 0, "[2001:db8::1]", 5 * time.Second},
		{"with a dot", "ip4", "a.test.", []dnsmessage.Resource{a("a.test.", 1, "192.0.2.1")}, nil, 0, "[192.0.2.1]", time.Second},
		{"aliases in any order", "ip4", "a.test", []dnsmessage.Resource{
			a("c.test.", 300, "192.0.2.3"), cname("b.test.", 20, "C.test."), cname("a.test.", 100, "B.test."),
		}, nil, 0, "[192.0.2.3]", 20 * time.Second},
		{"what was not asked", "ip4", "a.test", []dnsmessage.Resource{
			a("other.test.", 1, "192.0.2.9"), aaaa("a.test.", 2, "2001:db8::1"), a("a.test.", 30, "192.0.2.1"),
			resource("a.test.", 3, &dnsmessage.TXTResource{TXT: []string{"x"}}),
		}, nil, 0, "[192.0.2.1]", 30 * time.Second},
		{"a huge TTL", "ip4", "a.test", []dnsmessage.Resource{a("a.test.", 1<<31, "192.0.2.1")}, nil, 0, "[192.0.2.1]", 0},
		{"no such name", "ip4", "a.test", nil, []dnsmessage.Resource{soa(300, 60)}, dnsmessage.RCodeNameError, "none", time.Minute},
		{"no such name, SOA shorter", "ip4", "a.test", nil, []dnsmessage.Resource{soa(30, 60)}, dnsmessage.RCodeNameError, "none", 30 * time.Second},
		{"no such name, no SOA", "ip4", "a.test", nil, []dnsmessage.Resource{a("x.", 1, "192.0.2.1")}, dnsmessage.RCodeNameError, "none", 0},
		{"no such name, with an address", "ip4", "a.test", []dnsmessage.Resource{a("a.test.", 1, "192.0.2.1")}, nil, dnsmessage.RCodeNameError, "none", 0},
		{"no address", "ip6", "a.test", nil, []dnsmessage.Resource{soa(300, 60)}, 0, "none", time.Minute},
		{"an alias of nothing", "ip6", "a.test", []dnsmessage.Resource{cname("a.test.", 10, "b.test.")}, []dnsmessage.Resource{soa(300, 60)}, 0,
			"none", 10 * time.Second},
		{"a circle", "ip4", "a.test", []dnsmessage.Resource{cname("a.test.", 10, "b.test."), cname("b.test.", 10, "a.test.")}, nil, 0, "none", 0},
	} {
		for _, post := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " post=", post), func(t *testing.T) {
				s.answer = func(q dnsmessage.Question, m *dnsmessage.Message) {
					m.Answers, m.Authorities, m.RCode, m.Truncated = tt.answers, tt.authorities, tt.code, true
				}
				got, err := s.doh(t, resolver.DoHConfig{Post: post}).LookupTTL(context.Background(), tt.network, tt.host)
				var d *net.DNSError
				if none := errors.As(err, &d) && d.IsNotFound && d.Name == tt.host; none != (tt.want == "none") {
					t.Fatal(err)
				}
				if err == nil && fmt.Sprint(got.Addrs) != tt.want || got.TTL != tt.ttl {
					t.Errorf("%v for %v", got.Addrs, got.TTL)
				}
			})
		}
	}
}

// TestDoHRequests: what is sent tells nothing of who asks, and is the same for the
// same question.
func TestDoHRequests(t *testing.T) {
	s := newDoHServer(t)
	s.answer = func(q dnsmessage.Question, m *dnsmessage.Message) {
		m.Answers = []dnsmessage.Resource{a("www.example.com.", 60, "192.0.2.1")}
	}
	d := s.doh(t, resolver.DoHConfig{})
	for range 2 {
		if _, err := d.LookupNetIP(context.Background(), "ip4", "www.example.com"); err != nil {
			t.Fatal(err)
		}
	}
	// The example of RFC 8484 §4.1.1.
	const want = "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"
	for _, r := range s.seen {
		if r.RequestURI != want || r.Method != "GET" || len(r.Header) != 1 || r.Header.Get("Accept") != "application/dns-message" {
			t.Error(r.Method, r.RequestURI, r.Header)
		}
	}
	s.seen = nil
	if _, err := s.doh(t, resolver.DoHConfig{Post: true}).LookupNetIP(context.Background(), "ip4", "www.example.com"); err != nil {
		t.Fatal(err)
	}
	if r := s.seen[0]; r.RequestURI != "/dns-query" || r.Method != "POST" || r.Header.Get("Content-Type") != "application/dns-message" {
		t.Error(r.Method, r.RequestURI, r.Header)
	}
}

func TestDoHErrors(t *testing.T) {
	s := newDoHServer(t)
	fine := func(q dnsmessage.Question, m *dnsmessage.Message) {
		m.Answers = []dnsmessage.Resource{a("a.test.", 60, "192.0.2.1")}
	}
	message := func(b []byte) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, packed []byte) {
			w.Header().Set("Content-Type", "application/dns-message")
			w.Write(b)
		}
	}
	for name, tt := range map[string]struct {
		answer func(q dnsmessage.Question, m *dnsmessage.Message)
		over   func(http.ResponseWriter, []byte)
		want   string
		again  bool // Temporary
	}{
		"server failure": {func(_ dnsmessage.Question, m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure }, nil, "ServerFailure", true},
		"refused":        {func(_ dnsmessage.Question, m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused }, nil, "Refused", false},
		"a question":     {func(_ dnsmessage.Question, m *dnsmessage.Message) { m.Response = false }, nil, "is a question", false},
		"another question": {func(_ dnsmessage.Question, m *dnsmessage.Message) {
			m.Questions[0].Name = dnsmessage.MustNewName("b.test.")
		}, nil, "another question", false},
		"another type": {func(_ dnsmessage.Question, m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA }, nil, "another question", false},
		"no question":  {func(_ dnsmessage.Question, m *dnsmessage.Message) { m.Questions = nil }, nil, "another question", false},
		"another media type": {fine, func(w http.ResponseWriter, packed []byte) {
			w.Header().Set("Content-Type", "text/html")
			w.Write(packed)
		}, "no application/dns-message", false},
		"a status":   {fine, func(w http.ResponseWriter, _ []byte) { http.Error(w, "no", http.StatusServiceUnavailable) }, "status 503", false},
		"a redirect": {fine, func(w http.ResponseWriter, _ []byte) { w.Header().Set("Location", "/x"); w.WriteHeader(307) }, "no application/dns-message", false},
		"garbage":    {fine, message([]byte("garbage")), "cannot be read", false},
		"nothing":    {fine, message(nil), "cannot be read", false},
		"cut short": {fine, func(w http.ResponseWriter, packed []byte) {
			w.Header().Set("Content-Type", "application/dns-message")
			w.Write(packed[:len(packed)-2])
		}, "cannot be read", false},
		"too large": {fine, message(make([]byte, 70_000)), "larger than the limit", false},
	} {
		s.answer, s.over = tt.answer, tt.over
		_, err := s.doh(t, resolver.DoHConfig{}).LookupNetIP(context.Background(), "ip4", "a.test")
		var d *net.DNSError
		if !errors.As(err, &d) || d.IsNotFound || d.Temporary() != tt.again || d.Name != "a.test" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	d := s.doh(t, resolver.DoHConfig{})
	for host, want := range map[string]string{strings.Repeat("a", 300): "cannot be asked", "a..b": "cannot be asked"} {
		if _, err := d.LookupNetIP(context.Background(), "ip4", host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10s: %v", host, err)
		}
	}
	if _, err := d.LookupNetIP(context.Background(), "ip", "a.test"); err == nil {
		t.Error("a look-up of both families is taken")
	}
	gone, cancel := context.WithCancelCause(context.Background())
	why := errors.New("no more")
	cancel(why)
	if _, err := d.LookupNetIP(gone, "ip4", "a.test"); !errors.Is(err, why) {
		t.Error(err)
	}
	late, cancelLate := context.WithTimeout(context.Background(), 0)
	defer cancelLate()
	var dns *net.DNSError
	if _, err := d.LookupNetIP(late, "ip4", "a.test"); !errors.As(err, &dns) || !dns.IsTimeout {
		t.Error(err)
	}
}

// TestDoHAge: what a cache on the way kept does not count again.
func TestDoHAge(t *testing.T) {
	s := newDoHServer(t)
	s.answer = func(q dnsmessage.Question, m *dnsmessage.Message) {
		m.Answers = []dnsmessage.Resource{a("a.test.", 60, "192.0.2.1")}
	}
	for age, want := range map[string]time.Duration{"0": time.Minute, "45": 15 * time.Second, "99": 0, "x": time.Minute, "-5": time.Minute, "99999999999999": 0} {
		s.over = func(w http.ResponseWriter, packed []byte) {
			w.Header().Set("Content-Type", "application/dns-message; x=y")
			w.Header().Set("Age", age)
			w.Write(packed)
		}
		got, err := s.doh(t, resolver.DoHConfig{}).LookupTTL(context.Background(), "ip4", "a.test")
		if err != nil || got.TTL != want {
			t.Errorf("Age %s: %v, %v", age, got.TTL, err)
		}
	}
}

func TestDoHLocal(t *testing.T) {
	s := newDoHServer(t)
	d := s.doh(t, resolver.DoHConfig{})
	for _, host := range []string{"localhost", "LOCALHOST.", "a.localhost"} {
		for network, want := range map[string]string{"ip4": "[127.0.0.1]", "ip6": "[::1]"} {
			if got, err := d.LookupNetIP(context.Background(), network, host); err != nil || fmt.Sprint(got) != want {
				t.Error(host, got, err)
			}
		}
	}
	if len(s.seen) > 0 {
		t.Error("the server was asked")
	}
}

func TestNewDoH(t *testing.T) {
	boot := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for _, wrong := range []string{"", "http://dns.test/dns-query", "https://", "dns.test", "https://u:secret@dns.test/", "https://dns.test/{x}{?dns}", "https://%zz"} {
		if _, err := resolver.NewDoH(wrong, resolver.DoHConfig{Bootstrap: boot}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := resolver.NewDoH("https://dns.test/dns-query", resolver.DoHConfig{}); err == nil {
		t.Error("a name without a bootstrap address is taken")
	}
	if _, err := resolver.NewDoH("https://dns.test/", resolver.DoHConfig{Bootstrap: boot, Change: func(c *sonde.Config) { c.UserAgent = "\n" }}); err == nil {
		t.Error("a wrong Config is taken")
	}
	d, err := resolver.NewDoH("https://127.0.0.1/dns-query", resolver.DoHConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

// TestDoHInClient: a client that looks its names up by DoH and a cache.
func TestDoHInClient(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Host) }))
	defer web.Close()
	u, _ := url.Parse(web.URL)
	s := newDoHServer(t)
	s.answer = func(q dnsmessage.Question, m *dnsmessage.Message) {
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{cname("a.test.", 60, "b.test."), a("b.test.", 60, "127.0.0.1")}
		} else {
			m.Authorities = []dnsmessage.Resource{soa(60, 60)}
		}
	}
	c, err := sonde.New(sonde.Config{Resolver: resolver.NewCache(s.doh(t, resolver.DoHConfig{}), resolver.CacheConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		resp, err := c.Get(context.Background(), "http://a.test:"+u.Port(), sonde.WithOneShot())
		if err != nil || string(resp.Body) != "hello a.test:"+u.Port() {
			t.Fatal(err)
		}
	}
	if n := len(s.seen); n != 2 {
		t.Error(n, "questions, want one for each family")
	}
}
