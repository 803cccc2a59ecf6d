package download_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/digest"
	"sonde/download"
)

// origin serves one resource, and does to it what a test asks.
type origin struct {
	mu       sync.Mutex
	data     []byte
	etag     string
	modified time.Time
	log      []string                                            // "Range If-Range status" of each request
	before   func(n int, w http.ResponseWriter, r *http.Request) // of request n, from 1
	cut      map[int]int                                         // how many bytes of the body of request n leave
	noRanges bool
	status   int // instead of the resource
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	n := len(o.log) + 1
	o.log = append(o.log, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
	if o.before != nil {
		o.before(n, w, r)
	}
	data, etag, cut, cuts := o.data, o.etag, o.cut[n], o.cut[n] > 0
	o.mu.Unlock()
	if r.Header.Get("Accept-Encoding") != "identity" {
		http.Error(w, "codings are welcome?", http.StatusBadRequest)
		return
	}
	if o.status != 0 {
		w.WriteHeader(o.status)
		return
	}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	if o.noRanges {
		r.Header.Del("Range")
	}
	if cuts {
		w = &cutting{w, cut}
	}
	http.ServeContent(w, r, "", o.modified, bytes.NewReader(data))
}

// cutting breaks the connection after so many bytes.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	c.ResponseWriter.Write(p[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

var content = bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), 20000)

// place is a server of o, a client, and where to download to.
func place(t *testing.T, o *origin) (url, path string, client *sonde.Client) {
	t.Helper()
	s := httptest.NewServer(o)
	c, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	t.Cleanup(func() { c.Close() })
	return s.URL, filepath.Join(t.TempDir(), "file"), c
}

// holds checks the file, and that nothing else is left.
func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	names, _ := filepath.Glob(path + "*")
	if len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

const tag = `"v1"`

// TestFile: what is downloaded in one go, in parts, or in pieces.
func TestFile(t *testing.T) {
	sum := sha256.Sum256(content)
	for _, tt := range []struct {
		name   string
		origin *origin
		o      download.Options
		want   download.Result
	}{
		{"one request", &origin{etag: tag}, download.Options{}, download.Result{Requests: 1, ETag: tag}},
		{"no validator", &origin{}, download.Options{}, download.Result{Requests: 1}},
		{"parts", &origin{etag: tag}, download.Options{Parts: 4, MinPart: 50000}, download.Result{Requests: 5, ETag: tag}},
		{"parts of a small one", &origin{etag: tag}, download.Options{Parts: 4}, download.Result{Requests: 1, ETag: tag}},
		{"parts without a validator", &origin{}, download.Options{Parts: 4, MinPart: 50000}, download.Result{Requests: 2}},
		{"parts with a weak validator", &origin{etag: `W/"v1"`}, download.Options{Parts: 4, MinPart: 50000}, download.Result{Requests: 2, ETag: `W/"v1"`}},
		{"parts without ranges", &origin{etag: tag, noRanges: true}, download.Options{Parts: 4, MinPart: 50000}, download.Result{Requests: 1, ETag: tag}},
		{"sum", &origin{}, download.Options{Sum: digest.Digest{Algorithm: digest.SHA256, Sum: sum[:]}}, download.Result{Requests: 1, Verified: true}},
		{"cut twice", &origin{etag: tag, cut: map[int]int{1: 1000, 2: 300000}}, download.Options{}, download.Result{Requests: 3, ETag: tag}},
		{"cut, with a date", &origin{modified: time.Now().Add(-time.Hour), cut: map[int]int{1: 1000}}, download.Options{}, download.Result{Requests: 2}},
		{"cut, with a date of now", &origin{modified: time.Now().Add(time.Hour), cut: map[int]int{1: 1000}}, download.Options{}, download.Result{Requests: 2}},
		{"cut, with a weak validator", &origin{etag: `W/"v1"`, modified: time.Now().Add(-time.Hour), cut: map[int]int{1: 1000}}, download.Options{}, download.Result{Requests: 2, ETag: `W/"v1"`}},
		{"cut, without ranges", &origin{etag: tag, noRanges: true, cut: map[int]int{1: 1000}}, download.Options{}, download.Result{Requests: 2, ETag: tag}},
		{"cut parts", &origin{etag: tag, cut: map[int]int{1: 1000, 3: 1000}}, download.Options{Parts: 3, MinPart: 50000}, download.Result{ETag: tag}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.origin
			o.data = content
			url, path, c := place(t, o)
			tt.o.Client = c
			var done, total int64
			tt.o.Progress = func(d, n int64) { done, total = d, n }
			got, err := download.File(context.Background(), url, path, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Requests == 0 {
				tt.want.Requests = got.Requests // some parts may have been asked for when another broke
			}
			if tt.want.Size = int64(len(content)); got != tt.want {
				t.Errorf("%+v, want %+v\n%s", got, tt.want, strings.Join(o.log, "\n"))
			}
			if done != got.Size || total != got.Size {
				t.Errorf("progress ended at %d of %d", done, total)
			}
			holds(t, path, content)
		})
	}
}

// TestResume: another call goes on where one broke off, if that is still the same.
func TestResume(t *testing.T) {
	const first = 200000
	newer := bytes.ToUpper(content)
	for _, tt := range []struct {
		name    string
		parts   int
		between func(*origin, string) // what happens before the second call
		o       download.Options
		want    []byte
		resumed int64
		err     error
		last    string // Range and If-Range of the second call's first request
	}{
		{name: "the same", want: content, resumed: first, last: "bytes=200000-719999 " + tag},
		{name: "the same, in parts", parts: 2, want: content, resumed: first},
		{name: "changed", want: newer, between: func(o *origin, _ string) { o.data, o.etag = newer, `"v2"` }, last: "bytes=200000-719999 " + tag},
		{name: "changed, in parts", parts: 2, want: newer, between: func(o *origin, _ string) { o.data, o.etag = newer, `"v2"` }},
		{name: "changed, not to begin anew", between: func(o *origin, _ string) { o.data, o.etag = newer, `"v2"` },
			o: download.Options{Restarts: -1}, resumed: first, err: download.ErrChanged},
		{name: "ranges of something else", want: newer, between: func(o *origin, _ string) {
			o.data, o.etag = newer, `"v2"`
			o.before = func(_ int, _ http.ResponseWriter, r *http.Request) { r.Header.Del("If-Range") }
		}},
		{name: "shorter now, without If-Range", want: newer[:5], between: func(o *origin, _ string) {
			o.data = newer[:5]
			o.before = func(_ int, _ http.ResponseWriter, r *http.Request) { r.Header.Del("If-Range") }
		}},
		{name: "no ranges any more", want: content, between: func(o *origin, _ string) { o.noRanges = true }},
		{name: "no ranges any more, in parts", parts: 2, want: content, between: func(o *origin, _ string) { o.noRanges = true }},
		{name: "Fresh", want: content, o: download.Options{Fresh: true}, last: " "},
		{name: "the file is gone", want: content, between: func(_ *origin, path string) { os.Remove(path + ".part") }, last: " "},
		{name: "the state is no JSON", want: content, between: func(_ *origin, path string) { os.WriteFile(path+".part.json", []byte("{"), 0o600) }, last: " "},
		{name: "the state is not possible", want: content, between: func(_ *origin, path string) {
			os.WriteFile(path+".part.json", []byte(`{"url":"","etag":"\"v1\"","size":10,"missing":[{"from":7,"to":3}]}`), 0o600)
		}, last: " "},
		{name: "encoded now", want: packed(content), between: func(o *origin, _ string) {
			o.data = packed(content)
			o.before = func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &origin{data: content, etag: tag, cut: map[int]int{1: first}}
			url, path, c := place(t, o)
			tt.o.Client = c
			once := tt.o
			once.Tries = -1
			if _, err := download.File(context.Background(), url, path, once); err == nil {
				t.Fatal("the first call did not fail")
			}
			if tt.between != nil {
				o.mu.Lock()
				tt.between(o, path)
				o.mu.Unlock()
			}
			if tt.parts > 0 {
				tt.o.Parts, tt.o.MinPart = tt.parts, 50000
			}
			got, err := download.File(context.Background(), url, path, tt.o)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("%v\n%s", err, strings.Join(o.log, "\n"))
			}
			if got.Resumed != tt.resumed {
				t.Errorf("%+v", got)
			}
			if tt.last != "" && o.log[1] != tt.last {
				t.Errorf("asked for %q", o.log[1])
			}
			if tt.err == nil {
				holds(t, path, tt.want)
			}
		})
	}
}

func packed(data []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(data)
	z.Close()
	return out.Bytes()
}

// TestChangesMeanwhile: the resource changes while it is downloaded, once and always.
func TestChangesMeanwhile(t *testing.T) {
	for _, parts := range []int{1, 3} {
		o := &origin{data: content, etag: tag, cut: map[int]int{1: 1000}}
		o.before = func(n int, _ http.ResponseWriter, _ *http.Request) {
			if n == 2 {
				o.etag, o.data = `"v2"`, bytes.ToUpper(content)
			}
		}
		url, path, c := place(t, o)
		opts := download.Options{Client: c, Parts: parts, MinPart: 50000}
		got, err := download.File(context.Background(), url, path, opts)
		if err != nil || got.Restarts != 1 || got.ETag != `"v2"` {
			t.Errorf("%d parts: %+v, %v", parts, got, err)
		}
		holds(t, path, bytes.ToUpper(content))

		o.cut = map[int]int{}
		for n := range 100 {
			o.cut[n] = 1000
		}
		o.before = func(n int, _ http.ResponseWriter, _ *http.Request) { o.etag = fmt.Sprintf("%q", fmt.Sprint("v", n)) }
		opts.Restarts = 2
		if got, err = download.File(context.Background(), url, path, opts); !errors.Is(err, download.ErrChanged) || got.Restarts != 2 {
			t.Errorf("%d parts: %+v, %v", parts, got, err)
		}
	}
}

// TestEnds: what ends a download, and what is kept of it.
func TestEnds(t *testing.T) {
	t.Run("status", func(t *testing.T) {
		url, path, c := place(t, &origin{status: 404})
		_, err := download.File(context.Background(), url, path, download.Options{Client: c})
		var s *sonde.StatusError
		if !errors.As(err, &s) || s.Status != 404 {
			t.Error(err)
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
	})
	t.Run("sum", func(t *testing.T) {
		url, path, c := place(t, &origin{data: content, etag: tag})
		_, err := download.File(context.Background(), url, path, download.Options{Client: c,
			Sum: digest.Digest{Algorithm: digest.SHA256, Sum: make([]byte, 32)}})
		if !errors.Is(err, digest.ErrMismatch) {
			t.Error(err)
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
	})
	t.Run("digest", func(t *testing.T) {
		for _, data := range [][]byte{content, content[1:]} {
			field, _ := digest.Field(content)
			url, path, c := place(t, &origin{data: data, etag: tag, before: func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Repr-Digest", field) }})
			got, err := download.File(context.Background(), url, path, download.Options{Client: c, CheckDigest: true, Parts: 2, MinPart: 1000})
			if right := len(data) == len(content); got.Verified != right || right != (err == nil) || !right && !errors.Is(err, digest.ErrMismatch) {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
	t.Run("empty", func(t *testing.T) {
		for _, parts := range []int{1, 2} {
			url, path, c := place(t, &origin{etag: tag})
			got, err := download.File(context.Background(), url, path, download.Options{Client: c, Parts: parts})
			if err != nil || got.Size != 0 {
				t.Errorf("%+v, %v", got, err)
			}
			holds(t, path, nil)
		}
	})
	t.Run("never ends well", func(t *testing.T) {
		o := &origin{data: content, etag: tag, noRanges: true, cut: map[int]int{}}
		for n := range 100 {
			o.cut[n] = 1000
		}
		url, path, c := place(t, o)
		got, err := download.File(context.Background(), url, path, download.Options{Client: c, Tries: 2})
		if err == nil || got.Requests != 3 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		url, path, c := place(t, &origin{data: content, etag: tag})
		_, err := download.File(ctx, url, path, download.Options{Client: c, Parts: 2, MinPart: 1000, Progress: func(int64, int64) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		got, err := download.File(context.Background(), url, path, download.Options{Client: c})
		if err != nil || got.Resumed == 0 {
			t.Errorf("%+v, %v", got, err)
		}
		holds(t, path, content)
	})
}

// TestUnknownSize: a download whose size nobody has said is resumed too, also where
// all of it had come.
func TestUnknownSize(t *testing.T) {
	o := &origin{data: content, etag: tag}
	for _, cut := range []int{5000, len(content)} {
		n := 0
		o.before = func(int, http.ResponseWriter, *http.Request) { n++ }
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n > 0 {
				o.ServeHTTP(w, r)
				return
			}
			n++
			w.Header().Set("ETag", tag)
			w.Write(content[:cut])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer s.Close()
		_, path, c := place(t, o)
		got, err := download.File(context.Background(), s.URL, path, download.Options{Client: c})
		if err != nil || got.Size != int64(len(content)) || got.Requests != 2 {
			t.Errorf("cut at %d: %+v, %v", cut, got, err)
		}
		holds(t, path, content)
	}
}

// TestBadParts: answers that do not fit what was asked for are errors.
func TestBadParts(t *testing.T) {
	for _, value := range []string{"", "bytes 5-9/36", "bytes 0-9", "bytes 0-x/36", "bytes 9-0/36", "bytes 0-40/36", "items 0-9/36",
		"bytes 0-5/36", "bytes 0-20/36", "bytes 0-99999999999999999999/36"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", tag)
			if value != "" {
				w.Header().Set("Content-Range", value)
			}
			w.WriteHeader(206)
			io.WriteString(w, "0123456789")
		}))
		_, path, c := place(t, &origin{})
		_, err := download.File(context.Background(), s.URL, path, download.Options{Client: c, Parts: 2, MinPart: 10, Tries: -1})
		if err == nil {
			t.Errorf("%q: no error", value)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: there is a file", value)
		}
		s.Close()
	}
}

// TestBreaksBehindTheEnd: a connection that breaks when all bytes of a part are there,
// but not yet the end of its framing, takes nothing away.
func TestBreaksBehindTheEnd(t *testing.T) {
	const data = "0123456789"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if r.Header.Get("Range") == "" {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n%s", data[:4])
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n6\r\n%s\r\n", data[4:])
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "f")
	r, err := download.File(t.Context(), s.URL, path, download.Options{})
	if err != nil || r.Requests != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if got, _ := os.ReadFile(path); string(got) != data {
		t.Errorf("the file is %q", got)
	}
}

// TestNoPasswordOnDisk: the state beside the file has no credentials of the URL.
func TestNoPasswordOnDisk(t *testing.T) {
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		w.Header().Set("ETag", `"a"`)
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "f")
	url := strings.Replace(s.URL, "://", "://ada:secret@", 1)
	if _, err := download.File(t.Context(), url, path, download.Options{Tries: -1}); err == nil {
		t.Fatal("half a file is enough")
	}
	text, err := os.ReadFile(path + ".part.json")
	if err != nil || !strings.Contains(string(text), `"etag"`) || strings.Contains(string(text), "secret") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := download.File(t.Context(), url, path, download.Options{Tries: -1}); err == nil || asked != "bytes=5-9" {
		t.Errorf("it is not gone on with: %q, %v", asked, err)
	}
}

// TestCodingUnsaid: the 206 to an If-Range may leave out the coding of the
// representation, of which it has a part (RFC 9110 §15.3.7).
func TestCodingUnsaid(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"a"`)
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "01234")
			return
		}
		w.Header().Set("Content-Range", "bytes 5-9/10")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "56789")
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "f")
	r, err := download.File(t.Context(), s.URL, path, download.Options{})
	if err != nil || r.Restarts != 0 || r.Encoding != "gzip" {
		t.Errorf("%+v, %v", r, err)
	}
}
