package cookie

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"
)

// clock is a clock that a test sets.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// vectors reads a file of testdata, without the comment at its head.
func vectors(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(data, []byte("\n[")); i >= 0 {
		data = data[i:]
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// sinceBis are the cases whose outcome RFC 6265bis has changed, with what it says
// now.
var sinceBis = map[string]struct{ want, why string }{
	"0004": {"foo", nameless}, "0021": {"a=b; x; c=d", nameless}, "0023": {"foo", nameless},
	"0024": {"foo", nameless}, "0025": {"foo", nameless}, "0026": {"foo", nameless},
	"0027": {"bar", nameless}, "0028": {"foo", nameless},
	"CHROMIUM0009": {"BLAHHH", nameless}, "CHROMIUM0010": {`"BLA\"HHH"`, nameless}, "CHROMIUM0012": {"ABC", nameless},
	"MOZILLA0012": {`test="fubar! = foo; five`, nameless}, "MOZILLA0014": {"six", nameless},
	"MOZILLA0015": {"seven", nameless}, "MOZILLA0016": {"eight", nameless}, "MOZILLA0017": {"eight; test=six", nameless},
	"NAME0017": {"a=bar", nameless}, "NAME0023": {"foo", nameless}, "NAME0025": {"==a=bar", nameless},
	"NAME0028": {"a", nameless}, "NAME0031": {`"foo`, nameless}, "NAME0032": {`"foo\"bar`, nameless},
	"NAME0033":              {"aaa", nameless},
	"DISABLED_CHROMIUM0022": {"", control}, "DISABLED_CHROMIUM0023": {"", control},
	"DISABLED_PATH0029":   {"", "§5.1.4: paths that are equivalent but not identical do not match"},
	"OPTIONAL_DOMAIN0042": {"foo=bar", "§5.7 step 7: the last Domain counts, and an empty one is none"},
}

const (
	nameless = "§5.6 step 3: a cookie without a name is its value"
	control  = "§5.6 step 1: control characters"
)

// TestHTTPState: the working group's cases.
func TestHTTPState(t *testing.T) {
	var cases []struct {
		Test     string
		Received []string
		SentTo   string `json:"sent-to"`
		Sent     []struct{ Name, Value string }
	}
	vectors(t, "testdata/http-state/parser.json", &cases)
	if len(cases) != 222 {
		t.Fatalf("%d cases", len(cases))
	}
	differ := 0
	for _, c := range cases {
		j := New(Config{Now: func() time.Time { return time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC) }})
		from := mustURL(t, "http://home.example.org:8888/cookie-parser?"+strings.ToLower(c.Test))
		j.SetCookies(from, c.Received)
		to := mustURL(t, "http://home.example.org:8888/cookie-parser-result?"+strings.ToLower(c.Test))
		if c.SentTo != "" {
			to = from.ResolveReference(mustURL(t, c.SentTo))
		}
		var want []string
		for _, s := range c.Sent {
			want = append(want, s.Name+"="+s.Value)
		}
		wants := strings.Join(want, "; ")
		if bis, ok := sinceBis[c.Test]; ok {
			if differ++; bis.want == wants {
				t.Errorf("%s: it is as it was before RFC 6265bis", c.Test)
			}
			wants = bis.want
		}
		if got := j.Cookie(to); got != wants {
			t.Errorf("%s: received %q\n sent %q\n want %q", c.Test, c.Received, got, wants)
		}
	}
	if differ != len(sinceBis) {
		t.Errorf("%d of the cases in sinceBis were there, not %d", differ, len(sinceBis))
	}
}

// TestHTTPStateDates: the working group's dates, and those of Chromium.
func TestHTTPStateDates(t *testing.T) {
	for file, n := range map[string]int{"dates": 15, "bsd-dates": 55} {
		var cases []struct {
			Test     string
			Expected *string
		}
		vectors(t, "testdata/http-state/"+file+".json", &cases)
		if len(cases) != n {
			t.Errorf("%d cases in %s", len(cases), file)
		}
		for _, c := range cases {
			got, ok := parseDate(c.Test)
			switch {
			case c.Expected == nil && ok:
				t.Errorf("%q: %v, want none", c.Test, got)
			case c.Expected != nil && (!ok || got.Format("Mon, 02 Jan 2006 15:04:05 GMT") != *c.Expected):
				t.Errorf("%q: %v %v, want %s", c.Test, got, ok, *c.Expected)
			}
		}
	}
}

// TestPublicSuffixList: for each domain of the list's own checks its registrable
// domain takes a cookie for all of it, and what is above it takes none.
func TestPublicSuffixList(t *testing.T) {
	data, err := os.ReadFile("testdata/test_psl.txt")
	if err != nil {
		t.Fatal(err)
	}
	checks := regexp.MustCompile(`(?m)^checkPublicSuffix\('([^']*)', (?:'([^']*)'|null)\);`).FindAllStringSubmatch(string(data), -1)
	if len(checks) < 70 {
		t.Fatalf("only %d checks", len(checks))
	}
	for _, c := range checks {
		name, want := c[1], c[2]
		if strings.HasPrefix(name, ".") {
			if _, _, ok := canonicalHost(name); ok {
				t.Errorf("%q is taken for a host", name)
			}
			continue
		}
		host, _, ok := canonicalHost(name)
		if !ok {
			t.Errorf("%q is not taken for a host", name)
			continue
		}
		u := &url.URL{Scheme: "https", Host: name, Path: "/"}
		for domain := host; domain != ""; _, domain, _ = strings.Cut(domain, ".") {
			j := New(Config{})
			j.SetCookies(u, []string{"a=b; Domain=" + domain})
			takes := false
			for c := range j.All() {
				takes = !c.HostOnly && c.Domain == domain
			}
			registrable, _, _ := canonicalHost(want)
			if may := want != "" && domainMatch(domain, registrable); takes != may {
				t.Errorf("%s sets a cookie for %s: %v, want %v", name, domain, takes, may)
			}
		}
		if got, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && got != New(Config{}).site(host, false) {
			t.Errorf("%s: site %s, want %s", name, New(Config{}).site(host, false), got)
		}
	}
}
