package sonde_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/internal/race"
)

// rawServer answers every request head with answer, on any number of connections,
// without allocating for it. It closes with the test.
func rawServer(t testing.TB, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	out := []byte(answer)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				for n := 0; ; {
					m, err := c.Read(buf[n:])
					if err != nil {
						return
					}
					n += m
					if n >= 4 && string(buf[n-4:n]) == "\r\n\r\n" {
						if _, err := c.Write(out); err != nil {
							return
						}
						n = 0
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String() + "/"
}

const smallAnswer = "HTTP/1.1 200 OK\r\nServer: test\r\nDate: Sat, 21 Nov 2026 10:04:48 GMT\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world"

func newClient(t testing.TB, cfg sonde.Config) *sonde.Client {
	t.Helper()
	c, err := sonde.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	large := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Field-Name: some value of a field\r\n", 20) +
		"Content-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000)
	shared, cancel := context.WithCancel(context.Background())
	defer cancel()
	making := testing.AllocsPerRun(1000, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_ = ctx
		cancel()
	})
	c := newClient(t, sonde.Config{})
	small := sonde.NewRequest(sonde.GET, rawServer(t, smallAnswer))
	big := sonde.NewRequest(sonde.GET, rawServer(t, large))
	chunked := sonde.NewRequest(sonde.GET, rawServer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"))
	var resp sonde.Response
	into := func(req *sonde.Request, ctx context.Context) func() {
		return func() {
			if err := c.DoInto(ctx, req, &resp); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name string
		most float64
		f    func()
	}{
		{"DoInto, background", 0, into(small, context.Background())},
		{"DoInto, 20 fields and 10 KB", 0, into(big, context.Background())},
		{"DoInto, chunked", 0, into(chunked, context.Background())},
		{"DoInto, cancellable context shared", 0, into(small, shared)},
		{"DoInto, context made per call", making, func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := c.DoInto(ctx, small, &resp); err != nil {
				t.Fatal(err)
			}
		}},
		{"Do", 2, func() {
			if _, err := c.Do(context.Background(), small); err != nil {
				t.Fatal(err)
			}
		}},
		{"Get of the fields", 0, func() {
			if !resp.Header.Has("Content-Length") || !resp.Header.Is("X-A", "b") {
				t.Fatal("fields are missing")
			}
			if n, err := resp.Header.Int("Content-Length"); n != 11 || err != nil {
				t.Fatal(n, err)
			}
		}},
	} {
		tt.f()
		if n := testing.AllocsPerRun(300, tt.f); n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, n, tt.most)
		}
	}
}

func BenchmarkDoInto(b *testing.B) {
	c := newClient(b, sonde.Config{})
	req := sonde.NewRequest(sonde.GET, rawServer(b, smallAnswer))
	var resp sonde.Response
	b.ReportAllocs()
	for b.Loop() {
		if err := c.DoInto(context.Background(), req, &resp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDo(b *testing.B) {
	c := newClient(b, sonde.Config{})
	req := sonde.NewRequest(sonde.GET, rawServer(b, smallAnswer))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Do(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	c := newClient(b, sonde.Config{})
	req := sonde.NewRequest(sonde.GET, rawServer(b, smallAnswer))
	b.ReportAllocs()
	for b.Loop() {
		err := c.Stream(context.Background(), req, func(ex *sonde.Exchange) error {
			_, err := io.Copy(io.Discard, ex.Body)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRaw is the limit: fixed bytes written to a connection, and read.
func BenchmarkRaw(b *testing.B) {
	url := rawServer(b, smallAnswer)
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	out := []byte("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: raw\r\n\r\n")
	in := make([]byte, len(smallAnswer))
	for b.Loop() {
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, in); err != nil {
			b.Fatal(err)
		}
	}
}
