package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sonde"
)

// hops records the requests that servers see.
type hops struct {
	mu   sync.Mutex
	seen []string
}

func (h *hops) add(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var fields []string
	for _, name := range []string{"Authorization", "Cookie", "Content-Type", "X-Kept", "Expect"} {
		for _, v := range r.Header[name] {
			fields = append(fields, name+"="+v)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, strings.TrimSpace(fmt.Sprintf("%s %s%s %s %s", r.Method, "", r.URL.RequestURI(), body, strings.Join(fields, " "))))
}

func (h *hops) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.seen
	h.seen = nil
	return s
}

// redirecting is a server on which /to?status=N&to=URL redirects.
func redirecting(t *testing.T, h *hops) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.add(r)
		if r.URL.Path != "/to" {
			fmt.Fprint(w, "end of ", r.Method)
			return
		}
		var status int
		fmt.Sscan(r.URL.Query().Get("status"), &status)
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

// TestRedirectMethods: RFC 9110 §15.4, and what browsers and curl do where it
// leaves a choice.
func TestRedirectMethods(t *testing.T) {
	var h hops
	s := redirecting(t, &h)
	c := newClient(t, sonde.Config{})
	for _, test := range []struct {
		status int
		method sonde.Method
		want   string
	}{
		{301, "GET", "GET"}, {301, "HEAD", "HEAD"}, {301, "POST", "GET"}, {301, "PUT", "PUT"}, {301, "DELETE", "DELETE"},
		{302, "GET", "GET"}, {302, "HEAD", "HEAD"}, {302, "POST", "GET"}, {302, "PATCH", "PATCH"},
		{303, "GET", "GET"}, {303, "HEAD", "HEAD"}, {303, "POST", "GET"}, {303, "PUT", "GET"}, {303, "DELETE", "GET"},
		{307, "GET", "GET"}, {307, "HEAD", "HEAD"}, {307, "POST", "POST"}, {307, "PUT", "PUT"},
		{308, "GET", "GET"}, {308, "POST", "POST"}, {308, "PATCH", "PATCH"},
	} {
		for kind, body := range map[string]func() sonde.Body{
			"none":    func() sonde.Body { return sonde.Body{} },
			"memory":  func() sonde.Body { return sonde.Text("hello") },
			"chunked": func() sonde.Body { return sonde.Func(-1, opens("hello")) },
			"seeker":  func() sonde.Body { return sonde.Reader(strings.NewReader("hello"), -1) },
		} {
			if kind != "none" && (test.method == "GET" || test.method == "HEAD") {
				continue
			}
			name := fmt.Sprint(test.status, test.method, kind)
			resp, err := c.Do(context.Background(), sonde.NewRequest(test.method, fmt.Sprintf("%s/to?status=%d&to=/end", s.URL, test.status),
				sonde.WithBody(body()), sonde.WithHeader("X-Kept", "yes")))
			if err != nil {
				t.Fatal(name, err)
			}
			want := test.want + " /end"
			if string(test.method) == test.want && kind != "none" {
				want += " hello"
			} else {
				want += " "
			}
			if string(test.method) == test.want && kind == "memory" {
				want += " Content-Type=text/plain; charset=utf-8"
			}
			want += " X-Kept=yes"
			if seen := h.take(); len(seen) != 2 || seen[1] != want {
				t.Errorf("%s: %q, want %q at last", name, seen, want)
			}
			history := resp.History()
			if len(history) != 1 || history[0].Status != sonde.Status(test.status) || resp.URL() != s.URL+"/end" {
				t.Errorf("%s: history %v, URL %s", name, history, resp.URL())
			}
		}
	}
}

func opens(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

// TestRedirectLeavesCredentials: none of them reaches another origin, and none
// comes back on the way home.
func TestRedirectLeavesCredentials(t *testing.T) {
	var h, away hops
	s, other := redirecting(t, &h), redirecting(t, &away)
	byConfig := sonde.Config{}
	byConfig.Header.Add("authorization", "Bearer default")
	byConfig.Header.Add("X-Kept", "default")
	for name, c := range map[string]*sonde.Client{"request": newClient(t, sonde.Config{}), "config": newClient(t, byConfig)} {
		var opts []sonde.Option
		want := "Authorization=Bearer default Cookie=a=1 Cookie=b=2 X-Kept=default"
		if name == "request" {
			want = "Authorization=Bearer one Authorization=Bearer two Cookie=a=1 Cookie=b=2 X-Kept=yes"
			opts = append(opts, sonde.WithAddedHeader("AUTHORIZATION", "Bearer one"), sonde.WithAddedHeader("authorization", "Bearer two"),
				sonde.WithHeader("X-Kept", "yes"))
		}
		opts = append(opts, sonde.WithAddedHeader("Cookie", "a=1"), sonde.WithAddedHeader("cookie", "b=2"))
		home := "/to?status=307&to=" + s.URL + "/home"
		url := s.URL + "/to?status=302&to=" + strings.NewReplacer("&", "%26", "?", "%3F").Replace(other.URL+home)
		for range 2 { // the second time with a plan
			if _, err := c.Get(context.Background(), url, opts...); err != nil {
				t.Fatal(name, err)
			}
			seen, there := h.take(), away.take()
			if len(seen) != 2 || !strings.HasSuffix(seen[0], want) {
				t.Errorf("%s: %q, want first …%s", name, seen, want)
			}
			for _, request := range append(there, seen[1:]...) {
				if strings.Contains(request, "Bearer") || strings.Contains(request, "Cookie") || !strings.Contains(request, "X-Kept=") {
					t.Errorf("%s: %q", name, request)
				}
			}
		}
		// The same origin keeps them.
		if _, err := c.Get(context.Background(), s.URL+"/to?status=302&to="+s.URL+"/home", opts...); err != nil {
			t.Fatal(err)
		}
		if seen := h.take(); len(seen) != 2 || !strings.HasSuffix(seen[1], want) {
			t.Errorf("%s, same origin: %q", name, seen)
		}
	}
}

// TestRedirectEnds: what is not followed, and what the error says.
func TestRedirectEnds(t *testing.T) {
	var h hops
	s := redirecting(t, &h)
	two := newPeer(t, func(c *peerConn) {
		c.serve("HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
	})
	same := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			switch {
			case err != nil:
				return
			case r.URL.Path == "/end":
				c.say(okAnswer)
			default:
				c.say("HTTP/1.1 302 Found\r\nLocation: /end\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	blank := newPeer(t, func(c *peerConn) {
		c.serve("HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 0\r\n\r\n")
	})
	var count int
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count++
		http.Redirect(w, r, fmt.Sprintf("/%d", count), http.StatusFound)
	}))
	defer endless.Close()
	c := newClient(t, sonde.Config{})
	to := func(status int, to string) string { return fmt.Sprintf("%s/to?status=%d&to=%s", s.URL, status, to) }
	once := sonde.WithBody(sonde.Reader(io.MultiReader(strings.NewReader("once")), -1))
	for name, test := range map[string]struct {
		url  string
		opts []sonde.Option
		is   error
		want string // in the error; "": none
	}{
		"loop":          {url: s.URL + "/to?status=302&to=%3Fstatus%3D302", is: nil, want: "302 Found"},
		"endless":       {url: endless.URL, is: sonde.ErrTooManyRedirects, want: "the limit is 10"},
		"file":          {url: to(302, "file:///etc/passwd"), want: `leads to the scheme "file"`},
		"bad":           {url: to(302, "http://[::1"), want: "its Location"},
		"two locations": {url: two.url(), want: "more than one Location"},
		"same location": {url: same.url()},
		"once":          {url: to(307, "/end"), opts: []sonde.Option{once}, want: "read only once"},
		"no location":   {url: to(302, ""), want: "302 Found"},
		"no value":      {url: blank.url(), want: "status 302 Found (body"},
		"300":           {url: to(300, "/end"), want: "300 Multiple Choices"},
		"off":           {url: to(302, "/end"), opts: []sonde.Option{sonde.WithoutRedirects()}},
	} {
		method := sonde.GET
		if len(test.opts) == 1 && name == "once" {
			method = sonde.POST
		}
		resp, err := c.Do(context.Background(), sonde.NewRequest(method, test.url, test.opts...))
		switch {
		case test.want == "" && err != nil, test.want != "" && err == nil:
			t.Errorf("%s: %v %v", name, resp, err)
		case err == nil:
		case !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(test.want, "its") && !errors.As(err, new(*sonde.RedirectError)) {
			t.Errorf("%s: no RedirectError: %v", name, err)
		}
	}
}

// TestRedirectLoop: a server that keeps sending the same request to where it was.
func TestRedirectLoop(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			if err != nil {
				return
			}
			next := map[string]string{"/a": "/b", "/b": "/a"}[r.URL.Path]
			c.say("HTTP/1.1 302 Found\r\nLocation: " + next + "\r\nContent-Length: 0\r\n\r\n")
		}
	})
	c := newClient(t, sonde.Config{})
	_, err := c.Get(context.Background(), p.url()+"/a")
	var e *sonde.Error
	if !errors.As(err, &e) || !errors.Is(err, sonde.ErrRedirectLoop) || e.Op != sonde.OpRedirect || e.Attempt != 5 {
		t.Fatal(err)
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestRedirectReferences: RFC 3986 §5, and what browsers and curl repair.
func TestRedirectReferences(t *testing.T) {
	for location, want := range map[string]string{
		"/x":                "/x",
		"x":                 "/dir/x",
		"../x":              "/x",
		"?q=1":              "/dir/to?q=1",
		"./":                "/dir/",
		"/a b":              "/a%20b",
		"/caf\xc3\xa9":      "/caf%C3%A9",
		"/a%2fb":            "/a%2fb",
		"//HOST/y":          "/y",
		"http://HOST":       "/",
		"HTTP://HOST/z#new": "/z",
		"#only":             "/dir/to",
	} {
		p := newPeer(t, func(c *peerConn) {
			first := true
			for {
				head := c.head()
				if head == "" {
					return
				}
				target := strings.Fields(head)[1]
				if !first {
					c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target))
					continue
				}
				first = false
				c.say("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + strings.ReplaceAll(location, "HOST", c.LocalAddr().String()) + "\r\n\r\n")
			}
		})
		resp, err := newClient(t, sonde.Config{}).Get(context.Background(), p.url()+"/dir/to#old")
		if err != nil || string(resp.Body) != want {
			t.Errorf("%s: %v %v, want %s", location, resp, err, want)
			continue
		}
		fragment := "#old" // RFC 9110 §10.2.2
		if i := strings.IndexByte(location, '#'); i >= 0 {
			fragment = location[i:]
		}
		if !strings.HasSuffix(resp.URL(), fragment) {
			t.Errorf("%s: %s", location, resp.URL())
		}
	}
}

// TestRedirectPolicy: the policy sees where it goes, and decides.
func TestRedirectPolicy(t *testing.T) {
	var h hops
	s := redirecting(t, &h)
	url := s.URL + "/to?status=302&to=/to%3Fstatus%3D303%26to%3D/end"
	var saw []string
	c := newClient(t, sonde.Config{Redirects: sonde.Redirects{Policy: func(r *sonde.Redirect) error {
		saw = append(saw, fmt.Sprint(r.Head.Status, " ", r.Method, " ", strings.TrimPrefix(r.To, s.URL), " ", r.Leaves, " ", len(r.History)))
		if len(r.History) == 1 {
			return sonde.ErrKeepResponse
		}
		return nil
	}}})
	resp, err := c.Get(context.Background(), url)
	if err != nil || resp.Status != 303 || len(resp.History()) != 1 {
		t.Fatal(resp, err)
	}
	if want := "[302 Found GET /to?status=303&to=/end false 0 303 See Other GET /end false 1]"; fmt.Sprint(saw) != want {
		t.Errorf("%v, want %s", saw, want)
	}
	mine := errors.New("mine")
	_, err = c.Get(context.Background(), url, sonde.WithRedirects(sonde.Redirects{Policy: func(*sonde.Redirect) error { return mine }}))
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	mustGet(t, c, s.URL+"/end", "end of GET")
	err = c.Stream(context.Background(), sonde.NewRequest(sonde.GET, url), func(ex *sonde.Exchange) error {
		if ex.Status != 303 || len(ex.History()) != 1 || !strings.HasPrefix(ex.URL(), s.URL+"/to") {
			t.Errorf("%v %v %s", ex.Status, ex.History(), ex.URL())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRedirectEarly: a redirect that comes before the upload has ended has the
// body from its start.
func TestRedirectEarly(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		if c.n == 1 {
			c.head()
			c.say("HTTP/1.1 307 Temporary Redirect\r\nLocation: /end\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return
		}
		_, body, err := c.request()
		answer := fmt.Sprint(len(body), err)
		c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer))
	})
	const size = 8 << 20
	c := newClient(t, sonde.Config{})
	resp, err := c.Post(context.Background(), p.url()+"/", sonde.Reader(strings.NewReader(strings.Repeat("x", size)), size))
	if err != nil || string(resp.Body) != fmt.Sprint(size, error(nil)) {
		t.Fatal(resp, err)
	}
}
