package h1_test

import (
	"fmt"
	"strings"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

func benchHead(fields int) []byte {
	lines := []string{
		"HTTP/1.1 200 OK",
		"Date: Tue, 04 Mar 2025 09:41:44 GMT",
		"Content-Type: application/json; charset=utf-8",
		"Content-Length: 200",
		"Server: nginx/1.27.4",
		"Cache-Control: no-store",
		"Vary: Accept-Encoding",
	}
	for i := len(lines) - 1; i < fields; i++ {
		lines = append(lines, fmt.Sprintf("X-Request-Detail-%d: value-%d-abcdefghijklmnop", i, i))
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

func BenchmarkParseHead(b *testing.B) {
	for _, fields := range []int{6, 20} {
		buf := benchHead(fields)
		b.Run(fmt.Sprint(fields), func(b *testing.B) {
			var h message.Head
			h.Fields.SetIndex(make([]message.Span, 0, 32))
			b.ReportAllocs()
			for b.Loop() {
				if n, _, err := h1.ParseHead(buf, 0, &h, h1.Limits{}); n == 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkFramingAndKeepAlive(b *testing.B) {
	for _, fields := range []int{6, 20} {
		var h message.Head
		if _, _, err := h1.ParseHead(benchHead(fields), 0, &h, h1.Limits{}); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(fields), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := h1.ResponseFraming("GET", &h)
				if reuse, _, _, _ := h1.KeepAlive(&h, f); !reuse || err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchRequest() *message.Request {
	r := &message.Request{
		Method: "GET", Scheme: "http", Authority: "example.com", Target: "/a/b?c=d",
		Defaults: "User-Agent: sonde/0\r\nAccept-Encoding: gzip\r\n",
	}
	r.Fields.Add("Accept", "application/json")
	r.Fields.Add("Authorization", "Bearer abcdefghijklmnopqrstuvwxyz")
	return r
}

func BenchmarkAppendRequest(b *testing.B) {
	r := benchRequest()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = h1.AppendRequest(buf[:0], r)
	}
}

// BenchmarkChunked decodes a body of 10 chunks of 1000 bytes.
func BenchmarkChunked(b *testing.B) {
	var body []byte
	for range 10 {
		body = h1.AppendChunkSize(body, 1000)
		body = append(body, make([]byte, 1000)...)
		body = append(body, "\r\n"...)
	}
	body = h1.AppendLastChunk(body, message.Fields{})
	var c h1.Chunked
	b.ReportAllocs()
	for b.Loop() {
		c.Reset(0, 0)
		for i := 0; !c.Done; {
			n, err := c.Advance(body[i:])
			if err != nil {
				b.Fatal(err)
			}
			i += n + int(c.Left)
			c.Left = 0
		}
	}
}
