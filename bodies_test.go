package sonde_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"sonde"
)

// TestCompressed: a request's body is encoded, with its length if it was in memory,
// and again for each attempt.
func TestCompressed(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, func(c *peerConn) {
		for {
			r, body, err := c.request()
			if err != nil {
				return
			}
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			plain, err := io.ReadAll(z)
			if err != nil || !bytes.Equal(plain, lines) {
				t.Errorf("%d bytes, %v", len(plain), err)
			}
			c.say(answer(200, "", fmt.Appendf(nil, "%s %s %v", r.Header.Get("Content-Encoding"), r.Header.Get("Content-Type"), r.ContentLength > 0)))
		}
	})
	c := newClient(t, sonde.Config{})
	for _, tt := range []struct {
		name string
		body sonde.Body
		want string
	}{
		{"bytes", sonde.Bytes(lines), "gzip  true"},
		{"text", sonde.Text(string(lines)), "gzip text/plain; charset=utf-8 true"},
		{"file", sonde.File(file), "gzip  false"},
		{"seeker", sonde.Reader(bytes.NewReader(lines), -1), "gzip  false"},
		{"with a tap", sonde.Bytes(lines).Tap(func() io.Writer { return io.Discard }), "gzip  false"},
	} {
		req := sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(tt.body.Compressed(sonde.Gzip())))
		for range 2 {
			r, err := c.Do(context.Background(), req)
			if err != nil || string(r.Body) != tt.want {
				t.Errorf("%s: %v, %v", tt.name, r, err)
			}
		}
	}
	twice := sonde.Bytes(lines).Compressed(sonde.Gzip()).Compressed(sonde.Deflate())
	req := sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(twice))
	if v := req.Header().Get("Content-Encoding"); v != "gzip, deflate" {
		t.Errorf("two codings: %q", v)
	}
	if plain := req.With(sonde.WithBody(sonde.Bytes(nil))); plain.Header().Has("Content-Encoding") {
		t.Error("another body has the coding of the one before")
	}
	if other := req.With(sonde.WithBody(sonde.Bytes(nil).Compressed(sonde.Gzip()))); other.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("another body: %v", other.Header())
	}
	for name, r := range map[string]*sonde.Request{
		"set by hand":  sonde.NewRequest(sonde.POST, p.url(), sonde.WithHeader("Content-Encoding", "br"), sonde.WithBody(twice)),
		"no coding":    sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(sonde.Bytes(nil).Compressed(nil))),
		"within parts": sonde.NewRequest(sonde.POST, p.url(), sonde.WithBody(sonde.Multipart(sonde.Part{Name: "a", Body: twice}))),
	} {
		if r.Err() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCompressedFails: what fails while a body is encoded ends the call, and what was
// opened is closed.
func TestCompressedFails(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.request() })
	src := &lastly{err: errors.New("no more")}
	_, err := newClient(t, sonde.Config{}).Post(context.Background(), p.url(), sonde.Reader(src, -1).Compressed(sonde.Gzip()))
	if !errors.Is(err, src.err) || src.closed.Load() != 1 {
		t.Errorf("%v, closed %d times", err, src.closed.Load())
	}
}

// lastly is a body that gives some bytes and an error.
type lastly struct {
	err    error
	given  bool
	closed atomic.Int32
}

func (f *lastly) Read(p []byte) (int, error) {
	if f.given {
		return 0, f.err
	}
	f.given = true
	return copy(p, "some"), nil
}

func (f *lastly) Close() error { f.closed.Add(1); return nil }

// TestProgress: both directions tell how far they are.
func TestProgress(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
	enc := coded(t, lines, sonde.Gzip())
	p := newPeer(t, func(c *peerConn) { c.serve(answer(200, gz, enc)) })
	c := newClient(t, sonde.Config{})
	for name, body := range map[string]sonde.Body{
		"bytes": sonde.Bytes(data), "small": sonde.Text("four"), "seeker": sonde.Reader(bytes.NewReader(data), -1),
		"unknown": sonde.Reader(struct{ io.Reader }{bytes.NewReader(data)}, -1),
	} {
		var up, down [][2]int64
		_, err := c.Post(context.Background(), p.url(), body,
			sonde.WithUploadProgress(func(n, total int64) { up = append(up, [2]int64{n, total}) }),
			sonde.WithDownloadProgress(func(n, total int64) { down = append(down, [2]int64{n, total}) }))
		if err != nil {
			t.Fatal(name, err)
		}
		total := int64(len(data))
		if name == "small" {
			total = 4
		}
		last := total
		if name == "unknown" {
			total = -1
		}
		rising(t, name, up, total, last)
		rising(t, name, down, int64(len(enc)), int64(len(enc)))
	}
}

// rising checks that progress grows, to last.
func rising(t *testing.T, name string, seen [][2]int64, total, last int64) {
	t.Helper()
	before := int64(-1)
	for _, p := range seen {
		if p[0] <= before || p[1] != total {
			t.Errorf("%s: %v", name, seen)
			return
		}
		before = p[0]
	}
	if before != last {
		t.Errorf("%s: ended at %d of %d", name, before, last)
	}
}

// TestContentCheck: what a check says of the content is how the body ends, and it
// sees the content before it is decoded.
func TestContentCheck(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	wrong := errors.New("wrong content")
	for name, said := range map[string]string{
		"length": answer(200, gz+"Trailer-Like: no\r\n", enc), "chunks": inChunks(gz, enc, 50), "no bytes": answer(200, gz, nil),
	} {
		want := enc
		if name == "no bytes" {
			want = nil
		}
		p := newPeer(t, func(c *peerConn) { c.serve(said) })
		c := newClient(t, sonde.Config{})
		for _, verdict := range []error{nil, wrong} {
			var seen *recording
			check := sonde.WithContentCheck(func(h *sonde.Head) sonde.ContentCheck {
				if !h.Header.Is("Content-Encoding", "gzip") {
					t.Error("the head is not as it came")
				}
				seen = &recording{end: verdict}
				return seen
			})
			_, err := c.Get(context.Background(), p.url(), check, sonde.WithContentCheck(func(*sonde.Head) sonde.ContentCheck { return nil }))
			if !errors.Is(err, verdict) || (err == nil) != (verdict == nil) {
				t.Errorf("%s: %v", name, err)
			}
			if e := new(sonde.Error); err != nil && (!errors.As(err, &e) || e.Op != sonde.OpDecode) {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Equal(seen.Bytes(), want) || seen.ends != 1 {
				t.Errorf("%s: the check saw %d bytes of %d, and %d ends", name, seen.Len(), len(want), seen.ends)
			}
		}
		if n := p.conns.Load(); n != 1 {
			t.Errorf("%s: %d connections", name, n)
		}
	}
}

// recording is a check that keeps what it sees.
type recording struct {
	bytes.Buffer
	ends int
	end  error
}

func (r *recording) End(sonde.Header) error { r.ends++; return r.end }

// TestCompressedRedirected: a body that is sent again elsewhere is encoded there too;
// one that is left behind takes Content-Encoding with it.
func TestCompressedRedirected(t *testing.T) {
	for _, body := range []sonde.Body{sonde.Bytes(lines), sonde.Reader(bytes.NewReader(lines), -1)} {
		for status, want := range map[int]string{303: "GET  0", 307: "POST gzip"} {
			p := newPeer(t, func(c *peerConn) {
				for {
					r, body, err := c.request()
					if err != nil {
						return
					}
					if r.URL.Path == "/" {
						c.say(answer(status, "Location: /there\r\n", nil))
						continue
					}
					said := fmt.Sprintf("%s %s %d", r.Method, r.Header.Get("Content-Encoding"), len(body))
					c.say(answer(200, gz, coded(t, []byte(said), sonde.Gzip())))
				}
			})
			r, err := newClient(t, sonde.Config{}).Post(context.Background(), p.url()+"/", body.Compressed(sonde.Gzip()))
			if err != nil || !strings.HasPrefix(string(r.Body), want) || r.Decoded() != "gzip" {
				t.Errorf("%d: %v, %v", status, r, err)
			}
		}
	}
}
