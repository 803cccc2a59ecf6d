package sonde_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/auth"
	"sonde/trace"
)

// guardian is a server that wants Digest authentication by MD5, of ada with the
// password "secret", and checks it.
type guardian struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	nonces int             // made so far
	stale  func(int) bool  // whether a nonce, by its number, is stale when it is used
	seen   []string        // the statuses it gave, with method and path
	counts map[string]bool // nonce and nc that were used
	serve  func(w http.ResponseWriter, r *http.Request, body string)
	head   func(http.Header) // of a refusal
}

func newGuardian(t *testing.T) *guardian {
	g := &guardian{t: t, counts: map[string]bool{}}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *guardian) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	status := g.check(r)
	note := func(s int) { g.seen = append(g.seen, fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, s)) }
	if status == "" {
		rec := httptest.NewRecorder()
		if g.serve != nil {
			g.serve(rec, r, string(body))
		} else {
			rec.WriteString("ok " + string(body))
		}
		note(rec.Code)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		rec.Body.WriteTo(w)
		return
	}
	g.nonces++
	if g.head != nil {
		g.head(w.Header())
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", nonce="%d", qop="auth", algorithm=MD5%s`, g.nonces, status))
	note(401)
	w.WriteHeader(401)
	fmt.Fprint(w, "who are you?")
}

// check is "" for a right answer; otherwise it is what the challenge adds.
func (g *guardian) check(r *http.Request) string {
	var h sonde.Header
	h.Add("A", r.Header.Get("Authorization"))
	all := h.Challenges("A")
	if len(all) != 1 {
		return " "
	}
	c := &all[0]
	sum := func(s ...string) string {
		h := md5.Sum([]byte(strings.Join(s, ":")))
		return hex.EncodeToString(h[:])
	}
	want := sum(sum("ada", "r", "secret"), c.Param("nonce"), c.Param("nc"), c.Param("cnonce"), c.Param("qop"),
		sum(r.Method, r.RequestURI))
	if c.Param("response") != want {
		return " "
	}
	if use := c.Param("nonce") + "/" + c.Param("nc"); g.counts[use] {
		g.t.Error("the same count twice:", use)
	} else {
		g.counts[use] = true
	}
	n := 0
	if fmt.Sscan(c.Param("nonce"), &n); g.stale != nil && g.stale(n) {
		return ", stale=true"
	}
	return ""
}

func (g *guardian) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.seen
	g.seen = nil
	return s
}

func (g *guardian) saw(want ...string) {
	g.t.Helper()
	if got := g.take(); !slices.Equal(got, want) {
		g.t.Errorf("the server saw %q, want %q", got, want)
	}
}

func TestDigestCalls(t *testing.T) {
	g := newGuardian(t)
	var kinds trace.Recorder
	c := newClient(t, sonde.Config{Auth: auth.Digest("ada", "secret"), Sink: &kinds})
	for i := range 3 {
		resp, err := c.Get(context.Background(), g.URL+"/x?y=z")
		if err != nil || string(resp.Body) != "ok " {
			t.Fatal(err)
		}
		if i == 0 {
			g.saw("GET /x 401", "GET /x 200")
			challenges := slices.DeleteFunc(kinds.Events(), func(e trace.Event) bool { return e.Kind != trace.Challenge })
			if len(challenges) != 1 || challenges[0].Status != 401 || challenges[0].Attempt != 1 {
				t.Errorf("events %+v", challenges)
			}
		} else {
			g.saw("GET /x 200") // in advance
		}
	}
	if s := c.Pool().Stats(); s.Opened != 1 {
		t.Error(s.Opened, "connections")
	}

	g.stale = func(n int) bool { return n == 1 }
	mustGet(t, c, g.URL+"/stale", "ok ")
	g.saw("GET /stale 401", "GET /stale 200")
}

// TestDigestRefused: wrong credentials are tried once, and what is always stale a
// few times.
func TestDigestRefused(t *testing.T) {
	g := newGuardian(t)
	c := newClient(t, sonde.Config{Auth: auth.Digest("ada", "wrong")})
	_, err := c.Get(context.Background(), g.URL+"/x")
	var status *sonde.StatusError
	if !errors.As(err, &status) || status.Status != 401 || string(status.Body) != "who are you?" {
		t.Error(err)
	}
	if strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	g.saw("GET /x 401", "GET /x 401")

	g.stale = func(int) bool { return true }
	_, err = c.Get(context.Background(), g.URL+"/x", sonde.WithAuth(auth.Digest("ada", "secret")))
	if !errors.As(err, &status) {
		t.Error(err)
	}
	g.saw("GET /x 401", "GET /x 401", "GET /x 401", "GET /x 401")
}

// TestDigestRedirectedUpload: a file that is redirected, refused, answered with
// 503 and sent again, whole each time.
func TestDigestRedirectedUpload(t *testing.T) {
	g := newGuardian(t)
	busy := true
	content := strings.Repeat("content ", 50_000)
	g.serve = func(w http.ResponseWriter, r *http.Request, body string) {
		if body != content {
			g.t.Errorf("%d bytes came of %d", len(body), len(content))
		}
		switch {
		case r.URL.Path == "/from":
			w.Header().Set("Location", "/to")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case busy:
			busy = false
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]sonde.Body{
		"file": sonde.File(path), "text": sonde.Text(content), "seeker": sonde.Reader(strings.NewReader(content), -1),
	} {
		busy = true
		g.stale = func(n int) bool { return n < g.nonces } // each request is refused once
		c := newClient(t, sonde.Config{Auth: auth.Digest("ada", "secret"), Retry: sonde.Retry{Max: 2, Base: time.Nanosecond}})
		resp, err := c.Put(context.Background(), g.URL+"/from", body)
		if err != nil {
			t.Fatal(name, err)
		}
		if len(resp.History()) != 1 {
			t.Error(name, resp.History())
		}
		g.saw("PUT /from 401", "PUT /from 307", "PUT /to 503", "PUT /to 200")
	}
}

// TestDigestOnce: a body that can be sent only once goes with the next call.
func TestDigestOnce(t *testing.T) {
	g := newGuardian(t)
	c := newClient(t, sonde.Config{Auth: auth.Digest("ada", "secret")})
	once := func() sonde.Body { return sonde.Reader(io.MultiReader(strings.NewReader("hello")), -1) }
	_, err := c.Post(context.Background(), g.URL+"/x", once())
	var status *sonde.StatusError
	if !errors.As(err, &status) || status.Status != 401 {
		t.Error(err)
	}
	resp, err := c.Post(context.Background(), g.URL+"/x", once())
	if err != nil || string(resp.Body) != "ok hello" {
		t.Error(err)
	}
	g.saw("POST /x 401", "POST /x 200")
}

// cookieJar keeps one value.
type cookieJar struct {
	mu    sync.Mutex
	value string
}

func (j *cookieJar) Cookie(*url.URL) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.value
}

func (j *cookieJar) SetCookies(_ *url.URL, values []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.value, _, _ = strings.Cut(values[len(values)-1], ";")
}

// TestCookieOfRefusal: a cookie that a 401 sets goes with the answer to it.
func TestCookieOfRefusal(t *testing.T) {
	g := newGuardian(t)
	g.head = func(h http.Header) { h.Set("Set-Cookie", "session=7; Path=/") }
	g.serve = func(w http.ResponseWriter, r *http.Request, _ string) { fmt.Fprint(w, r.Header.Get("Cookie")) }
	c := newClient(t, sonde.Config{Auth: auth.Digest("ada", "secret"), Jar: new(cookieJar)})
	mustGet(t, c, g.URL, "session=7")
	g.saw("GET / 401", "GET / 200")
}

// TestTokenByTheSameClient: a token that has to be fetched over the only connection
// that there may be.
func TestTokenByTheSameClient(t *testing.T) {
	var tokens int
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := fmt.Sprintf("Bearer t%d", tokens)
		switch {
		case r.URL.Path == "/token":
			tokens++
			fmt.Fprintf(w, "t%d", tokens)
		case r.Header.Get("Authorization") != want:
			w.WriteHeader(401)
		default:
			fmt.Fprint(w, "hello ", want)
		}
	}))
	defer s.Close()
	var c *sonde.Client
	token := ""
	source := func(ctx context.Context, refused string) (string, error) {
		if token == refused {
			resp, err := c.Get(ctx, s.URL+"/token", sonde.WithAuth(nil))
			if err != nil {
				return "", err
			}
			token = string(resp.Body)
		}
		return token, nil
	}
	c = newClient(t, sonde.Config{Auth: auth.BearerFunc(source), Pool: sonde.PoolConfig{MaxConnsPerOrigin: 1}})
	mustGet(t, c, s.URL, "hello Bearer t1")
	tokens++ // the server forgets the token
	mustGet(t, c, s.URL, "hello Bearer t3")
}

// TestTokensAtTheLimit: many calls that are refused at once, on all connections
// that there may be.
func TestTokensAtTheLimit(t *testing.T) {
	const calls = 8
	var refused sync.WaitGroup
	refused.Add(calls)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			fmt.Fprint(w, "new")
		case r.Header.Get("Authorization") == "Bearer old":
			refused.Done()
			refused.Wait()
			w.WriteHeader(401)
			fmt.Fprint(w, strings.Repeat("x", 1000))
		}
	}))
	defer s.Close()
	var c *sonde.Client
	c = newClient(t, sonde.Config{
		Pool: sonde.PoolConfig{MaxConnsPerOrigin: calls},
		Auth: auth.BearerFunc(func(ctx context.Context, refused string) (string, error) {
			if refused == "" {
				return "old", nil
			}
			resp, err := c.Get(ctx, s.URL+"/token", sonde.WithAuth(nil))
			if err != nil {
				return "", err
			}
			return string(resp.Body), nil
		}),
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if _, err := c.Get(ctx, s.URL); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestRefusalStands: a refusal that nobody answers is a response like any other,
// whatever became of its connection.
func TestRefusalStands(t *testing.T) {
	bodies := map[string]string{
		"/none": "", "/small": "who are you?", "/large": strings.Repeat("who? ", 50_000), "/chunked": strings.Repeat("who? ", 500),
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		if r.URL.Path == "/chunked" {
			w.Header().Set("Trailer", "X-End")
			defer w.Header().Set("X-End", "here")
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(bodies[r.URL.Path])))
		}
		w.WriteHeader(401)
		for text := bodies[r.URL.Path]; text != ""; text = text[min(len(text), 700):] {
			if _, err := io.WriteString(w, text[:min(len(text), 700)]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}))
	defer s.Close()
	var meanwhile *sonde.Client
	asks := auth.Func(func(ctx context.Context, a *sonde.AuthRequest) error {
		if a.Refused > 0 { // another exchange, on the same connection if that is free
			meanwhile.Get(ctx, s.URL+"/small", sonde.WithAuth(nil))
		}
		return nil
	})
	c := newClient(t, sonde.Config{Auth: asks})
	meanwhile = c
	var into sonde.Response
	for path, want := range bodies {
		resp, err := c.Get(context.Background(), s.URL+path, sonde.WithAccept(401))
		if err != nil || string(resp.Body) != want || resp.Header.Get("X-Path") != path {
			t.Errorf("%s: %v", path, err)
		}
		if end := resp.Trailer().Get("X-End"); (end == "here") != (path == "/chunked") {
			t.Errorf("%s: trailer %q", path, end)
		}
		if err := c.DoInto(context.Background(), sonde.NewRequest(sonde.GET, s.URL+path, sonde.WithAccept(401)), &into); err != nil ||
			string(into.Body) != want || into.Header.Get("X-Path") != path {
			t.Errorf("%s: DoInto: %v", path, err)
		}
		err = c.Stream(context.Background(), sonde.NewRequest(sonde.GET, s.URL+path, sonde.WithAccept(401)), func(ex *sonde.Exchange) error {
			part := make([]byte, 5)
			n, _ := io.ReadFull(ex.Body, part)
			if string(part[:n]) != want[:min(5, len(want))] {
				t.Errorf("%s: %q", path, part[:n])
			}
			_, err := ex.Upgrade()
			if err == nil {
				t.Errorf("%s: upgraded", path)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		var status *sonde.StatusError
		if _, err := c.Get(context.Background(), s.URL+path); !errors.As(err, &status) || string(status.Body) != want[:min(len(want), 8<<10)] {
			t.Errorf("%s: %v", path, err)
		}
	}
	if st := c.Pool().Stats(); st.Active != 0 {
		t.Error(st.Active, "connections in use")
	}
}

// TestCredentialErrors: what an Authenticator says ends the call before anything
// is sent, or after the refusal that it was asked about.
func TestCredentialErrors(t *testing.T) {
	g := newGuardian(t)
	failed := errors.New("no credentials today")
	for name, tt := range map[string]struct {
		auth sonde.Authenticator
		saw  []string
		safe bool
	}{
		"in advance":    {auth.Func(func(context.Context, *sonde.AuthRequest) error { return failed }), nil, true},
		"a wrong value": {auth.Func(func(_ context.Context, a *sonde.AuthRequest) error { a.Set("Authorization", "a\nb"); return nil }), nil, true},
		"a wrong field": {auth.Func(func(_ context.Context, a *sonde.AuthRequest) error { a.Set("no field", "x"); return nil }), nil, true},
		"when refused": {auth.Func(func(_ context.Context, a *sonde.AuthRequest) error {
			if a.Refused > 0 {
				return failed
			}
			return nil
		}), []string{"GET / 401"}, false},
		"wrong when refused": {auth.Func(func(_ context.Context, a *sonde.AuthRequest) error {
			if a.Refused > 0 {
				a.Set("Authorization", "\x01")
			}
			return nil
		}), []string{"GET / 401"}, false},
	} {
		c := newClient(t, sonde.Config{Auth: tt.auth})
		_, err := c.Get(context.Background(), g.URL)
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpRequest || e.SafeToRetry() != tt.safe {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(name, "wrong") == errors.Is(err, failed) {
			t.Errorf("%s: %v", name, err)
		}
		if got := g.take(); !slices.Equal(got, tt.saw) {
			t.Errorf("%s: the server saw %q", name, got)
		}
		if s := c.Pool().Stats(); s.Active != 0 {
			t.Errorf("%s: %d connections in use", name, s.Active)
		}
	}
	c := newClient(t, sonde.Config{})
	for _, opt := range []sonde.Option{sonde.WithBasicAuth("a:b", "secret"), sonde.WithBearer("secret 1"), sonde.WithBasicAuth("a", "secret\n")} {
		if _, err := c.Get(context.Background(), g.URL, opt); err == nil || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	bad := strings.Replace(g.URL, "//", "//a%3Ab:secret@", 1)
	if _, err := c.Get(context.Background(), bad); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	g.saw()
}

// TestAuthRequest: what an Authenticator gets to see.
func TestAuthRequest(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Add("WWW-Authenticate", `One a="b"`)
			w.Header().Add("WWW-Authenticate", "Two dG9rZW4=")
			w.WriteHeader(401)
		}
	}))
	defer s.Close()
	var seen []string
	var answered []sonde.Status
	x := &witness{func(a *sonde.AuthRequest) {
		body, _, _ := a.Body.Open()
		text, _ := io.ReadAll(body)
		body.Close()
		var challenges []string
		for _, c := range a.Challenges {
			challenges = append(challenges, c.Scheme+c.Token+c.Param("A"))
		}
		seen = append(seen, fmt.Sprintf("%s %s %s %s %s agent=%t x=%s %q %d %q", a.Method, a.URL, a.Host, a.Target, text,
			a.Header.Has("User-Agent"), a.Header.Get("X-Own"), challenges, a.Refused, a.Sent.String()))
		if a.Refused > 0 {
			a.Set("Authorization", "Here")
			a.Set("X-More", "too")
		}
	}, func(a *sonde.AuthRequest, h *sonde.Head) { answered = append(answered, h.Status) }}
	c := newClient(t, sonde.Config{Auth: x})
	_, err := c.Post(context.Background(), strings.Replace(s.URL, "//", "//@", 1)+"/a?b#c", sonde.Text("text"), sonde.WithHost("other.example"), sonde.WithHeader("X-Own", "1"))
	if err != nil {
		t.Fatal(err)
	}
	both := fmt.Sprintf("POST %s/a?b other.example /a?b text agent=true x=1 ", s.URL)
	if want := []string{both + `[] 0 ""`, both + `["oneb" "twodG9rZW4="] 1 ""`}; !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
	if !slices.Equal(answered, []sonde.Status{200}) {
		t.Error("answered", answered)
	}
}

// witness is an Authenticator that wants to know how it went.
type witness struct {
	ask      func(*sonde.AuthRequest)
	answered func(*sonde.AuthRequest, *sonde.Head)
}

func (w *witness) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	w.ask(a)
	return nil
}

func (w *witness) Answered(a *sonde.AuthRequest, h *sonde.Head) { w.answered(a, h) }
