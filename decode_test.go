package sonde_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"sonde"
	"sonde/internal/race"
	"sonde/trace"
)

var lines = []byte(strings.Repeat("a line of text, and another: one, two, three.\n", 300))

// coded is data under those codings, the first applied first.
func coded(t testing.TB, data []byte, codings ...sonde.Coding) []byte {
	t.Helper()
	for _, c := range codings {
		var out bytes.Buffer
		w, err := c.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = out.Bytes()
	}
	return data
}

// answer is a response with a length.
func answer(status int, head string, body []byte) string {
	return fmt.Sprintf("HTTP/1.1 %d x\r\n%sContent-Length: %d\r\n\r\n%s", status, head, len(body), body)
}

// inChunks is a response in chunks of n bytes.
func inChunks(head string, body []byte, n int) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n = min(n, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

const gz = "Content-Encoding: gzip\r\n"

// TestDecode: an encoded body is read as it was before, by Do, DoInto and Stream,
// and its connection serves again.
func TestDecode(t *testing.T) {
	g, d := sonde.Gzip(), sonde.Deflate()
	enc := coded(t, lines, g)
	for _, tt := range []struct {
		name, answer, decoded string
		received              int
	}{
		{"gzip", answer(200, gz, enc), "gzip", len(enc)},
		{"x-gzip", answer(200, "Content-Encoding: X-GZip\r\n", enc), "gzip", len(enc)},
		{"chunks of 1", inChunks(gz, enc, 1), "gzip", len(enc)},
		{"one chunk", inChunks(gz, enc, len(enc)), "gzip", len(enc)},
		{"members", answer(200, gz, append(coded(t, lines[:99], g), coded(t, lines[99:], g)...)), "gzip", 0},
		{"deflate", answer(200, "Content-Encoding: deflate\r\n", coded(t, lines, d)), "deflate", 0},
		{"two codings", answer(200, "Content-Encoding: deflate, gzip\r\n", coded(t, lines, d, g)), "deflate, gzip", 0},
		{"two lines", answer(200, "Content-Encoding: gzip\r\nContent-Encoding: identity,, deflate\r\n", coded(t, lines, g, d)), "gzip, deflate", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, func(c *peerConn) { c.serve(tt.answer) })
			c := newClient(t, sonde.Config{})
			var into sonde.Response
			for range 2 {
				r, err := c.Get(context.Background(), p.url())
				if err != nil {
					t.Fatal(err)
				}
				checkDecoded(t, r, tt.decoded, tt.received)
				if err := c.DoInto(context.Background(), sonde.NewRequest(sonde.GET, p.url()), &into); err != nil {
					t.Fatal(err)
				}
				checkDecoded(t, &into, tt.decoded, tt.received)
				err = c.Stream(context.Background(), sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
					if n := ex.Body.Left(); n != -1 {
						t.Errorf("%d bytes are left", n)
					}
					body, err := io.ReadAll(ex.Body)
					checkDecoded(t, &sonde.Response{Head: ex.Head, Body: body}, tt.decoded, 0)
					if !ex.Body.Done() || ex.Body.Left() != 0 || tt.received != 0 && ex.Body.Received() != int64(tt.received) {
						t.Errorf("done %v, %d left, %d received", ex.Body.Done(), ex.Body.Left(), ex.Body.Received())
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := p.conns.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func checkDecoded(t *testing.T, r *sonde.Response, decoded string, received int) {
	t.Helper()
	if !bytes.Equal(r.Body, lines) {
		t.Errorf("body of %d bytes: %.20q", len(r.Body), r.Body)
	}
	if r.Decoded() != decoded || r.Header.Has("Content-Encoding") || r.Header.Has("Content-Length") {
		t.Errorf("decoded %q, fields %v", r.Decoded(), r.Header)
	}
	if received != 0 && r.Received() != int64(received) {
		t.Errorf("%d bytes received, want %d", r.Received(), received)
	}
}

// TestDecodeAsks: sonde asks for codings where it may decode them, and decodes none
// that it did not ask for.
func TestDecodeAsks(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	asked := make(chan string, 1)
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			if err != nil {
				return
			}
			asked <- strings.Join(r.Header.Values("Accept-Encoding"), "; ")
			if r.Method == "HEAD" {
				enc := answer(200, gz, enc)
				c.say(enc[:strings.Index(enc, "\r\n\r\n")+4])
			} else {
				c.say(answer(200, gz, enc))
			}
		}
	})
	var exact, own sonde.Header
	exact.Add("X-A", "b")
	own.Add("accept-encoding", "gzip")
	const all = "gzip, deflate"
	for _, tt := range []struct {
		name    string
		cfg     sonde.Config
		method  sonde.Method
		opts    []sonde.Option
		asks    string
		decodes bool
	}{
		{name: "by default", asks: all, decodes: true},
		{name: "with another field", opts: []sonde.Option{sonde.WithHeader("X-A", "b")}, asks: all, decodes: true},
		{name: "POST", method: sonde.POST, asks: all, decodes: true},
		{name: "HEAD", method: sonde.HEAD},
		{name: "HEAD with a field", method: sonde.HEAD, opts: []sonde.Option{sonde.WithHeader("X-A", "b")}},
		{name: "Range", opts: []sonde.Option{sonde.WithHeader("Range", "bytes=0-")}},
		{name: "the caller's own", opts: []sonde.Option{sonde.WithHeader("Accept-Encoding", "gzip")}, asks: "gzip"},
		{name: "the caller's own, to be decoded", opts: []sonde.Option{sonde.WithHeader("Accept-Encoding", "gzip"), sonde.WithDecoding()}, asks: "gzip", decodes: true},
		{name: "WithoutDecoding", opts: []sonde.Option{sonde.WithoutDecoding()}},
		{name: "exact header", opts: []sonde.Option{sonde.WithExactHeader(exact)}},
		{name: "exact header, to be decoded", opts: []sonde.Option{sonde.WithExactHeader(exact), sonde.WithDecoding()}, decodes: true},
		{name: "NoDecoding", cfg: sonde.Config{NoDecoding: true}},
		{name: "Bare", cfg: sonde.Config{Bare: true}},
		{name: "of Config.Header", cfg: sonde.Config{Header: own}, asks: "gzip"},
		{name: "Codings", cfg: sonde.Config{Codings: []sonde.Coding{renamed{sonde.Gzip(), "mine"}, sonde.Deflate()}}, asks: "mine, deflate, gzip", decodes: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.method == "" {
				tt.method = sonde.GET
			}
			c := newClient(t, tt.cfg)
			req := sonde.NewRequest(tt.method, p.url(), tt.opts...)
			for range 3 { // the first has no plan, the third one that was rendered
				r, err := c.Do(context.Background(), req)
				if err != nil {
					t.Fatal(err)
				}
				if got := <-asked; got != tt.asks {
					t.Errorf("asked for %q, want %q", got, tt.asks)
				}
				if decoded := r.Decoded() != ""; decoded != tt.decodes || r.Header.Has("Content-Encoding") == tt.decodes {
					t.Errorf("decoded %q, fields %v", r.Decoded(), r.Header)
				}
				if want := map[bool][]byte{true: lines, false: enc}[tt.decodes]; tt.method != sonde.HEAD && !bytes.Equal(r.Body, want) {
					t.Errorf("a body of %d bytes, want %d", len(r.Body), len(want))
				}
			}
		})
	}
}

// renamed is a coding under another name.
type renamed struct {
	sonde.Coding
	name string
}

func (r renamed) Name() string { return r.name }

// TestDecodeNot: what is not to be decoded comes as it is.
func TestDecodeNot(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	for _, tt := range []struct {
		name, answer string
		body         []byte
	}{
		{"a coding that is not known", answer(200, "Content-Encoding: aws-chunked, gzip\r\n", enc), enc},
		{"too many codings", answer(200, "Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", enc), enc},
		{"identity", answer(200, "Content-Encoding: identity\r\n", lines), lines},
		{"a part", answer(206, "Content-Range: bytes 0-9/1000\r\n"+gz, enc[:10]), enc[:10]},
		{"part of it all", answer(206, "Content-Range: bytes 0-999/1000\r\n"+gz, enc), enc},
		{"204", "HTTP/1.1 204 x\r\n" + gz + "\r\n", nil},
		{"304", "HTTP/1.1 304 x\r\n" + gz + "Content-Length: 77\r\n\r\n", nil},
		{"length 0", answer(200, gz, nil), nil},
	} {
		p := newPeer(t, func(c *peerConn) { c.serve(tt.answer) })
		c := newClient(t, sonde.Config{})
		for range 2 {
			opts := []sonde.Option{sonde.WithAccept(304)}
			if strings.HasPrefix(tt.name, "a part") {
				opts = append(opts, sonde.WithHeader("Range", "bytes=0-9"), sonde.WithHeader("Accept-Encoding", "gzip"), sonde.WithDecoding())
			}
			r, err := c.Get(context.Background(), p.url(), opts...)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if !bytes.Equal(r.Body, tt.body) || r.Decoded() != "" || !r.Header.Has("Content-Encoding") {
				t.Errorf("%s: decoded %q to %d bytes, fields %v", tt.name, r.Decoded(), len(r.Body), r.Header)
			}
		}
		if n := p.conns.Load(); n != 1 {
			t.Errorf("%s: %d connections", tt.name, n)
		}
	}
	p := newPeer(t, func(c *peerConn) { c.serve(inChunks(gz, nil, 1)) })
	if r, err := newClient(t, sonde.Config{}).Get(context.Background(), p.url()); err != nil || len(r.Body) != 0 {
		t.Error("no chunks:", err)
	}
}

// TestDecodeErrors: what cannot be decoded is an error of that phase. The connection
// serves again where the rest of the body was small.
func TestDecodeErrors(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	corrupt := bytes.Clone(enc)
	corrupt[len(corrupt)/2] ^= 0xff
	for _, tt := range []struct {
		name string
		body []byte
		is   error
	}{
		{"truncated", enc[:len(enc)-1], io.ErrUnexpectedEOF},
		{"no header", enc[:5], io.ErrUnexpectedEOF},
		{"not gzip", lines, gzip.ErrHeader},
		{"bytes behind", append(bytes.Clone(enc), "garbage, more of it"...), gzip.ErrHeader},
		{"wrong sum", append(bytes.Clone(enc[:len(enc)-8]), "abcdefgh"...), gzip.ErrChecksum},
		{"corrupt", corrupt, nil},
	} {
		p := newPeer(t, func(c *peerConn) { c.serve(answer(200, gz, tt.body)) })
		c := newClient(t, sonde.Config{})
		for range 2 {
			_, err := c.Get(context.Background(), p.url())
			var e *sonde.Error
			if !errors.As(err, &e) || e.Op != sonde.OpDecode || e.SafeToRetry() || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%s: %v", tt.name, err)
			}
			err = c.Stream(context.Background(), sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
				_, err := ex.Body.WriteTo(io.Discard)
				return err
			})
			if !errors.As(err, &e) || e.Op != sonde.OpDecode {
				t.Errorf("%s, streamed: %v", tt.name, err)
			}
		}
		if n := p.conns.Load(); n != 1 {
			t.Errorf("%s: %d connections", tt.name, n)
		}
	}
	p := newPeer(t, func(c *peerConn) {
		c.request()
		c.say("HTTP/1.1 200 OK\r\n" + gz + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(enc)))
		c.Write(enc[:len(enc)/2])
	})
	_, err := newClient(t, sonde.Config{}).Get(context.Background(), p.url())
	if e := new(sonde.Error); !errors.As(err, &e) || e.Op != sonde.OpRead {
		t.Errorf("a connection that breaks is no fault of the coding: %v", err)
	}
}

// TestDecodeStatusError: the explanation of a status is decoded too.
func TestDecodeStatusError(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(answer(500, gz, coded(t, []byte("what went wrong"), sonde.Gzip()))) })
	c := newClient(t, sonde.Config{})
	_, err := c.Get(context.Background(), p.url())
	var s *sonde.StatusError
	if !errors.As(err, &s) || string(s.Body) != "what went wrong" || s.Truncated {
		t.Errorf("%v", err)
	}
	if _, err := c.Open(context.Background(), sonde.NewRequest(sonde.GET, p.url())); !errors.As(err, &s) || string(s.Body) != "what went wrong" {
		t.Errorf("Open: %v", err)
	}
}

// TestDecodeBombs: neither size nor ratio grows beyond its limit.
func TestDecodeBombs(t *testing.T) {
	zeros := make([]byte, 12<<20)
	bomb := coded(t, zeros, sonde.Gzip())
	double := coded(t, bomb, sonde.Gzip())
	small := coded(t, zeros[:100<<10], sonde.Gzip())
	empty := coded(t, nil, sonde.Gzip())
	silent := coded(t, bytes.Repeat(empty, 10<<20/len(empty)), sonde.Gzip()) // much work for not a byte
	for _, tt := range []struct {
		name, answer string
		limits       sonde.Limits
		read         int // by Stream; -1: no error
		do           bool
	}{
		{"ratio", answer(200, gz, bomb), sonde.Limits{}, 8 << 20, true},
		{"ratio of two codings", answer(200, "Content-Encoding: gzip, gzip\r\n", double), sonde.Limits{}, 8 << 20, true},
		{"ratio below the last coding", answer(200, "Content-Encoding: gzip, gzip\r\n", silent), sonde.Limits{}, 0, true},
		{"no ratio", answer(200, gz, bomb), sonde.Limits{Ratio: -1}, -1, false},
		{"small", answer(200, gz, small), sonde.Limits{}, -1, false},
		{"size", answer(200, gz, small), sonde.Limits{Decoded: 100<<10 - 1}, 100<<10 - 1, true},
		{"just that size", answer(200, gz, small), sonde.Limits{Decoded: 100 << 10}, -1, false},
		{"body", answer(200, gz, small), sonde.Limits{Body: 99 << 10}, -1, true},
	} {
		p := newPeer(t, func(c *peerConn) { c.serve(tt.answer) })
		c := newClient(t, sonde.Config{Limits: tt.limits})
		if _, err := c.Get(context.Background(), p.url()); errors.Is(err, sonde.ErrTooLarge) != tt.do || err != nil != tt.do {
			t.Errorf("%s: Do: %v", tt.name, err)
		}
		var n int64
		err := newClient(t, sonde.Config{}).Stream(context.Background(), sonde.NewRequest(sonde.GET, p.url(), sonde.WithLimits(tt.limits)), func(ex *sonde.Exchange) (err error) {
			n, err = ex.Body.WriteTo(io.Discard)
			return err
		})
		if (tt.read < 0) != (err == nil) || err != nil && !errors.Is(err, sonde.ErrTooLarge) {
			t.Errorf("%s: Stream: %v", tt.name, err)
		}
		if tt.read >= 0 && (n < int64(tt.read) || n > int64(tt.read)+64<<10) {
			t.Errorf("%s: %d bytes came through, limit %d", tt.name, n, tt.read)
		}
	}
}

// TestDecodeFlushed: what the server has flushed is there at once, before more comes.
func TestDecodeFlushed(t *testing.T) {
	more := make(chan bool)
	p := newPeer(t, func(c *peerConn) {
		c.request()
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		say := func() {
			c.say(fmt.Sprintf("%x\r\n%s\r\n", out.Len(), out.Bytes()))
			out.Reset()
		}
		c.say("HTTP/1.1 200 OK\r\n" + gz + "Transfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			io.WriteString(z, "event\n")
			z.Flush()
			say()
			<-more
		}
		z.Close()
		say()
		c.say("0\r\n\r\n")
	})
	err := newClient(t, sonde.Config{}).Stream(context.Background(), sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
		b := make([]byte, 1<<20)
		for range 3 {
			n, err := ex.Body.Read(b)
			if string(b[:n]) != "event\n" || err != nil {
				t.Errorf("%q, %v", b[:n], err)
			}
			more <- true
		}
		n, err := ex.Body.Read(b)
		if n != 0 || err != io.EOF {
			t.Errorf("%q, %v", b[:n], err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDecodeEvents: the body's end is told as it came and as it was decoded.
func TestDecodeEvents(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	var bad atomic.Bool
	p := newPeer(t, func(c *peerConn) {
		for {
			if _, _, err := c.request(); err != nil {
				return
			}
			body := enc
			if bad.Load() {
				body = enc[:len(enc)-2]
			}
			c.say(answer(200, gz, body))
		}
	})
	var got []trace.Event
	c := newClient(t, sonde.Config{Sink: trace.SinkFunc(func(e trace.Event) {
		if e.Kind == trace.BodyRead || e.Kind == trace.BodyDecoded {
			got = append(got, e)
		}
	})})
	if _, err := c.Get(context.Background(), p.url()); err != nil {
		t.Fatal(err)
	}
	bad.Store(true)
	c.Get(context.Background(), p.url())
	if len(got) != 4 {
		t.Fatalf("%d events", len(got))
	}
	if e := got[0]; e.Kind != trace.BodyRead || e.Bytes != int64(len(enc)) || e.Err != nil {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.Kind != trace.BodyDecoded || e.Bytes != int64(len(lines)) || e.Name() != "gzip" || e.Err != nil {
		t.Errorf("%+v", e)
	}
	if e := got[3]; e.Kind != trace.BodyDecoded || !errors.Is(e.Err, io.ErrUnexpectedEOF) {
		t.Errorf("%+v", e)
	}
}

// TestDecodeAllocations: a body is decoded with what earlier ones have left.
func TestDecodeAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	c := newClient(t, sonde.Config{})
	req := sonde.NewRequest(sonde.GET, rawServer(t, answer(200, gz, coded(t, lines, sonde.Gzip()))))
	var resp sonde.Response
	f := func() {
		if err := c.DoInto(context.Background(), req, &resp); err != nil || len(resp.Body) != len(lines) {
			t.Fatal(err)
		}
	}
	f()
	if n := testing.AllocsPerRun(300, f); n > 8 {
		t.Errorf("%v allocations", n)
	}
}

// TestDecodeDropped: an encoded body may be closed, or left, at any time.
func TestDecodeDropped(t *testing.T) {
	enc := coded(t, lines, sonde.Gzip())
	p := newPeer(t, func(c *peerConn) { c.serve(inChunks(gz, enc, 10)) })
	c := newClient(t, sonde.Config{})
	for n := range 4 {
		ex, err := c.Open(context.Background(), sonde.NewRequest(sonde.GET, p.url()))
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(ex.Body, make([]byte, n*100))
		ex.Close()
		if _, err := ex.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("after Close: %v", err)
		}
	}
	r, err := c.Get(context.Background(), p.url())
	if err != nil {
		t.Fatal(err)
	}
	checkDecoded(t, r, "gzip", len(enc))
}
