package har_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/har"
	"sonde/trace"
)

var background = context.Background()

// archive is as much of HAR as the tests look at, written down apart from the
// package.
type archive struct {
	Log struct {
		Version string
		Entries []struct {
			StartedDateTime time.Time
			Time            float64
			Request         struct {
				Method, URL, HTTPVersion string
				Headers, QueryString     []pair
				Cookies                  []cookie
				PostData                 *struct{ MimeType, Text, Comment string }
				BodySize, HeadersSize    int
			}
			Response struct {
				Status                               int
				StatusText, HTTPVersion, RedirectURL string
				Headers                              []pair
				Cookies                              []cookie
				Content                              struct {
					Size                              int
					MimeType, Text, Encoding, Comment string
				}
				BodySize, HeadersSize int
				Error                 string `json:"_error"`
			}
			Timings                     map[string]float64
			ServerIPAddress, Connection string
		}
	}
}

type (
	pair   struct{ Name, Value string }
	cookie struct {
		Name, Value, Path string
		HTTPOnly, Secure  bool
		Expires           time.Time
	}
)

func read(t *testing.T, r *har.Recorder) archive {
	t.Helper()
	var out bytes.Buffer
	if _, err := r.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	var a archive
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if a.Log.Version != "1.2" {
		t.Error("version", a.Log.Version)
	}
	for _, e := range a.Log.Entries {
		sum := 0.0
		for name, ms := range e.Timings {
			if ms < 0 && ms != -1 {
				t.Errorf("%s: %s is %v", e.Request.URL, name, ms)
			}
			if ms > 0 && name != "ssl" {
				sum += ms
			}
		}
		if math.Abs(sum-e.Time) > 1e-6 {
			t.Errorf("%s: time %v is not the sum %v", e.Request.URL, e.Time, sum)
		}
		if e.Timings["ssl"] > e.Timings["connect"] {
			t.Errorf("%s: ssl is no part of connect: %v", e.Request.URL, e.Timings)
		}
	}
	return a
}

func server(t *testing.T) *httptest.Server {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/cookies":
			http.SetCookie(w, &http.Cookie{Name: "s", Value: "topsecret", Path: "/", HttpOnly: true, Secure: true,
				Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)})
			w.Header().Set("Location", "http://user:topsecret@elsewhere/")
		case "/binary":
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte{0xff, 0, 1})
			return
		case "/long":
			io.WriteString(w, strings.Repeat("ü", 1000))
			return
		case "/missing":
			w.WriteHeader(404)
		}
		fmt.Fprintf(w, "%s <%s>", r.URL.Path, body)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func client(t *testing.T, r *har.Recorder, cfg sonde.Config) *sonde.Client {
	t.Helper()
	cfg.Middleware = append(cfg.Middleware, r.Middleware)
	c, err := sonde.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// record has calls of many kinds in it.
func record(t *testing.T, r *har.Recorder) {
	srv := server(t)
	srv.StartTLS()
	tls := srv.Client().Transport.(*http.Transport).TLSClientConfig
	c := client(t, r, sonde.Config{TLS: tls})
	get := func(path string, opts ...sonde.Option) { c.Get(background, srv.URL+path, opts...) }
	get("/first?a=b&c=%C3%BC&d", sonde.WithHeader("Cookie", "x=topsecret; y=z"), sonde.WithHeader("Authorization", "Bearer topsecret"))
	get("/cookies", sonde.WithHeader("Referer", "http://user:topsecret@h/"))
	get("/binary")
	get("/long")
	get("/missing")
	c.Post(background, srv.URL+"/post", sonde.Text("some text"))
	c.Post(background, srv.URL+"/reader", sonde.Reader(io.MultiReader(strings.NewReader("read once")), -1).WithMediaType("text/x"))
	c.Get(background, "http://127.0.0.1:1/refused")
	mock := client(t, r, sonde.Config{Schemes: map[string]sonde.Handler{
		"mock": func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, strings.NewReader("mocked")), nil
		},
	}})
	mock.Get(background, "mock://any/where")
}

func TestRecorder(t *testing.T) {
	r := har.New(har.Config{RequestBodies: true, ResponseBodies: true, MaxBody: 101})
	record(t, r)
	a := read(t, r)
	if len(a.Log.Entries) != 9 {
		t.Fatal(len(a.Log.Entries), "entries")
	}
	first, cookies, binary, long := a.Log.Entries[0], a.Log.Entries[1], a.Log.Entries[2], a.Log.Entries[3]
	if fmt.Sprint(first.Request.QueryString) != "[{a b} {c ü} {d }]" || first.Request.Method != "GET" ||
		first.Response.Status != 200 || first.Response.Content.Text != "/first <>" || first.Response.BodySize != 9 ||
		first.Request.HeadersSize < 100 || first.Response.HeadersSize < 50 || first.ServerIPAddress != "127.0.0.1" {
		t.Errorf("%+v", first)
	}
	if tm := first.Timings; tm["connect"] <= 0 || tm["ssl"] <= 0 || tm["dns"] != -1 || tm["send"] <= 0 || tm["wait"] <= 0 {
		t.Errorf("timings of a new connection: %v", tm)
	}
	if tm := cookies.Timings; tm["connect"] != -1 || tm["ssl"] != -1 || cookies.Connection != first.Connection {
		t.Errorf("timings of a reused connection: %v", tm)
	}
	if c := cookies.Response.Cookies; len(c) != 1 || c[0].Name != "s" || c[0].Path != "/" || !c[0].HTTPOnly || !c[0].Secure || c[0].Expires.Year() != 2030 {
		t.Errorf("cookies %+v", c)
	}
	if cookies.Response.RedirectURL != "http://elsewhere/" {
		t.Error(cookies.Response.RedirectURL)
	}
	if data, err := base64.StdEncoding.DecodeString(binary.Response.Content.Text); err != nil || string(data) != "\xff\x00\x01" ||
		binary.Response.Content.Encoding != "base64" || binary.Response.Content.MimeType != "image/png" {
		t.Errorf("%+v", binary.Response.Content)
	}
	if c := long.Response.Content; c.Text != strings.Repeat("ü", 50) || c.Size != 2000 || c.Comment == "" || c.Encoding != "" {
		t.Errorf("%+v", c)
	}
	if e := a.Log.Entries[4]; e.Response.Status != 404 || e.Response.StatusText != "Not Found" {
		t.Errorf("%+v", e.Response)
	}
	for i, want := range map[int]string{5: "some text", 6: "read once"} {
		e := a.Log.Entries[i]
		if e.Request.PostData == nil || e.Request.PostData.Text != want || e.Request.BodySize != 9 || !strings.HasPrefix(e.Request.PostData.MimeType, "text/") ||
			!strings.HasSuffix(e.Response.Content.Text, "<"+want+">") {
			t.Errorf("%+v", e)
		}
	}
	if e := a.Log.Entries[7]; e.Response.Status != 0 || !strings.Contains(e.Response.Error, "refused") {
		t.Errorf("%+v", e)
	}
	if e := a.Log.Entries[8]; e.Response.Content.Text != "mocked" {
		t.Errorf("%+v", e)
	}
}

// TestSecrets: nothing secret is in the file, unless it was asked for.
func TestSecrets(t *testing.T) {
	for _, asked := range []bool{false, true} {
		r := har.New(har.Config{Secrets: asked})
		record(t, r)
		var out strings.Builder
		r.WriteTo(&out)
		want := 0
		if asked {
			want = 8 // Cookie, Authorization, Set-Cookie, Location, Referer; cookies twice, redirectURL
		}
		if n := strings.Count(out.String(), "topsecret"); n != want {
			t.Errorf("asked %v: %d secrets, want %d\n%s", asked, n, want, out.String())
		}
	}
}

// TestOwnSinkStays: the recorder listens beside the sinks of client and request,
// and beside older hooks.
func TestOwnSinkStays(t *testing.T) {
	srv := server(t)
	srv.Start()
	r, inner := har.New(har.Config{}), har.New(har.Config{})
	var ofClient, ofRequest trace.Recorder
	c := client(t, r, sonde.Config{Sink: &ofClient, Middleware: []sonde.Middleware{inner.Middleware}})
	hooked := 0
	ctx := trace.With(background, &trace.Hooks{GetConn: func(string) { hooked++ }})
	c.Get(ctx, srv.URL)
	c.Get(ctx, srv.URL, sonde.WithSink(&ofRequest))
	if ofClient.Count(trace.CallDone) != 1 || ofRequest.Count(trace.CallDone) != 1 || hooked != 2 || r.Len() != 2 || inner.Len() != 2 {
		t.Error(ofClient.Count(trace.CallDone), ofRequest.Count(trace.CallDone), hooked, r.Len(), inner.Len())
	}
	for _, e := range read(t, r).Log.Entries {
		if e.Timings["wait"] <= 0 {
			t.Error("no events", e)
		}
	}
}

// TestEnds: a call is recorded when it ends, however it does.
func TestEnds(t *testing.T) {
	srv := server(t)
	srv.Start()
	r := har.New(har.Config{ResponseBodies: true, MaxEntries: 3})
	c := client(t, r, sonde.Config{})
	ex, err := c.Open(background, sonde.NewRequest(sonde.GET, srv.URL+"/long"))
	if err != nil || r.Len() != 0 {
		t.Fatal(err, r.Len())
	}
	io.ReadFull(ex.Body, make([]byte, 10))
	ex.Close()
	if r.Len() != 1 {
		t.Error("closed, but not recorded")
	}
	var out bytes.Buffer
	err = c.Stream(background, sonde.NewRequest(sonde.GET, srv.URL+"/long"), func(ex *sonde.Exchange) error {
		_, err := ex.Body.WriteTo(&out)
		return err
	})
	if err != nil || out.Len() != 2000 || r.Len() != 2 {
		t.Error(err, out.Len(), r.Len())
	}
	if _, err := c.Open(background, sonde.NewRequest(sonde.GET, srv.URL+"/long")); err != nil { // dropped
		t.Fatal(err)
	}
	for range 100 {
		if r.Len() == 3 {
			break
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	entries := read(t, r).Log.Entries
	if len(entries) != 3 || len(entries[0].Response.Content.Text) != 10 || len(entries[1].Response.Content.Text) != 2000 ||
		!strings.Contains(entries[2].Response.Error, "dropped") {
		t.Errorf("%+v", entries)
	}
	c.Get(background, srv.URL)
	if r.Len() != 3 || r.Lost() != 1 {
		t.Error(r.Len(), r.Lost())
	}
	if r.Reset(); r.Len() != 0 || r.Lost() != 0 {
		t.Error("not forgotten")
	}
}

func TestWriteFile(t *testing.T) {
	r := har.New(har.Config{})
	path := filepath.Join(t.TempDir(), "a.har")
	if err := r.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Error(err, info.Mode())
	}
	if err := r.WriteFile(filepath.Join(path, "x")); err == nil {
		t.Error("no error")
	}
	if _, err := r.WriteTo(broken{}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// TestNamelessCookies: what stands in place of a cookie's name may be its value, which
// is a secret.
func TestNamelessCookies(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "topsecret; Path=/")
	}))
	defer srv.Close()
	rec := har.New(har.Config{})
	c, err := sonde.New(sonde.Config{Middleware: []sonde.Middleware{rec.Middleware}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Get(context.Background(), srv.URL, sonde.WithHeader("Cookie", "topsecret")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	rec.WriteTo(&out)
	if text := out.String(); strings.Contains(text, "topsecret") || strings.Count(text, `"value": "[redacted]"`) != 4 {
		t.Error(text)
	}
}
