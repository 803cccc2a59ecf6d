package sonde

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestBackoff: exponential, with full jitter, never over its bound and never past what
// a Duration can hold.
func TestBackoff(t *testing.T) {
	ms := time.Millisecond
	for _, tt := range []struct {
		base, most time.Duration
		n          int
		random     float64
		want       time.Duration
	}{
		{100 * ms, 10 * time.Second, 1, 0, 0},
		{100 * ms, 10 * time.Second, 1, 0.5, 50 * ms},
		{100 * ms, 10 * time.Second, 2, 0.5, 100 * ms},
		{100 * ms, 10 * time.Second, 4, 0.5, 400 * ms},
		{100 * ms, 10 * time.Second, 20, 0.5, 5 * time.Second},
		{100 * ms, 50 * ms, 1, 0.5, 25 * ms},
		{0, 10 * time.Second, 5, 0.99, 0},
		{time.Second, 0, 4, 0.5, 4 * time.Second},
	} {
		if got := backoff(tt.base, tt.most, tt.n, tt.random); got != tt.want {
			t.Errorf("%v to %v, retry %d, random %v: %v, want %v", tt.base, tt.most, tt.n, tt.random, got, tt.want)
		}
	}
	for _, base := range []time.Duration{1, time.Hour, 1<<63 - 1} {
		for _, n := range []int{1, 60, 1 << 30} {
			if got := backoff(base, 0, n, 0.999); got < 0 {
				t.Errorf("%v, retry %d: %v", base, n, got)
			}
			if got := backoff(base, time.Minute, n, 0.999); got < 0 || got > time.Minute {
				t.Errorf("%v up to a minute, retry %d: %v", base, n, got)
			}
		}
	}
}

// TestRefill: what the budget holds after calls and time.
func TestRefill(t *testing.T) {
	const second = int64(time.Second)
	near := func(a, b float64) bool { return a-b < 0.01 && b-a < 0.01 }
	if got := refill(0, 0, 0, 5*second); got != budgetLeast {
		t.Error("at first:", got)
	}
	if got := refill(3, 2, 5*second, 5*second); got != 5 {
		t.Error("at once:", got)
	}
	if got := refill(0, 0, 1, 1+100*second); !near(got, budgetLeast) {
		t.Error("after long silence:", got)
	}
	if got := refill(0, 0, 1, 1+second); got < 0.9 || got > 1 {
		t.Error("in a second:", got)
	}
	// 1000 calls a second, a fifth of them: what ten seconds earn, however long it goes on.
	tokens := 0.0
	for s := range int64(1000) {
		tokens = refill(tokens, 200, 1+s*second, 1+(s+1)*second)
	}
	if most := 200*10 + float64(budgetLeast); !near(tokens, most) {
		t.Errorf("in the long run: %v, want %v", tokens, most)
	}
	if got := refill(tokens, 0, 1, 1+60*second); got > 20 {
		t.Error("a minute later:", got)
	}
	if got := refill(4, 0, 9*second, 5*second); got != 4 {
		t.Error("with a clock that goes backwards:", got)
	}
}

// TestRetryCheck: what is wrong with a policy is said.
func TestRetryCheck(t *testing.T) {
	none := []Middleware{nil}
	for want, cfg := range map[string]Config{
		"Retry.Statuses: 200 is none of an error": {Retry: Retry{Statuses: []Status{200}}},
		"Retry.Methods:":                {Retry: Retry{Methods: []Method{"a b"}}},
		"AttemptMiddleware: one is nil": {AttemptMiddleware: none},
		"BaseURL: its path does not end with a slash: \"v1\" would be": {BaseURL: "http://a/v1"},
		"BaseURL: it has a query":                                      {BaseURL: "http://a/?b"},
		"BaseURL: it has a query or":                                   {BaseURL: "http://a/#b"},
		"BaseURL: no scheme":                                           {BaseURL: "a/b"},
	} {
		if _, err := New(cfg); err == nil || !strings.HasPrefix(err.Error(), "sonde: Config."+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := NewRequest(GET, "http://a/", WithRetry(Retry{Statuses: []Status{99}})).Err(); err == nil {
		t.Error("WithRetry takes status 99")
	}
}

// TestBaseURL: RFC 3986 §5 against the base, for what only has a reference.
func TestBaseURL(t *testing.T) {
	c, err := New(Config{BaseURL: "http://user:pass@a.test:8080/v1/"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for ref, want := range map[string]string{
		"users":              "http://a.test:8080/v1/users",
		"users/1?q=a#b":      "http://a.test:8080/v1/users/1?q=a#b",
		"/users":             "http://a.test:8080/users",
		"../users":           "http://a.test:8080/users",
		"../../../users":     "http://a.test:8080/users",
		"?q":                 "http://a.test:8080/v1/?q",
		"":                   "http://a.test:8080/v1/",
		"//b.test/x":         "http://b.test/x",
		"https://b.test/x":   "https://b.test/x",
		"http://b.test":      "http://b.test/",
		"a%2Fb":              "http://a.test:8080/v1/a%2Fb",
		"\u00e9":             "http://a.test:8080/v1/%C3%A9",
		"http://a.test:8080": "http://a.test:8080/",
	} {
		r := c.NewRequest(GET, ref, WithAccept(404))
		if r.Err() != nil || strings.Replace(r.URL(), "***@", "", 1) != want || len(r.set.accept) != 1 {
			t.Errorf("%q: %s %v, want %s", ref, r.URL(), r.Err(), want)
		}
		// Credentials of the base are for what it names alone.
		if same := strings.HasPrefix(want, "http://a.test:8080/") && !strings.HasPrefix(ref, "http"); r.url.HasUser != same {
			t.Errorf("%q: credentials %v", ref, r.url.HasUser)
		}
	}
	if r := c.NewRequest(GET, "http://[::1"); r.Err() == nil {
		t.Error("a bad reference")
	}
	var none *Client
	for _, c := range []*Client{none, Default()} {
		if r := c.NewRequest(GET, "users"); r.Err() == nil {
			t.Error("a reference without a base")
		}
		if r := c.NewRequest(GET, "http://a/users"); r.Err() != nil {
			t.Error(r.Err())
		}
	}
}

// TestPermanent: what is not tried again.
func TestPermanent(t *testing.T) {
	for _, err := range []error{os.ErrPermission, errors.ErrUnsupported} {
		if !permanent(err) {
			t.Error(err)
		}
	}
	for _, err := range []error{os.ErrDeadlineExceeded, errors.New("custom dial")} {
		if permanent(err) {
			t.Error(err)
		}
	}
}
