package nethttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"sonde/nethttp"
)

// canned answers every request on a connection with the same bytes.
func canned(b testing.TB, response string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	answer := []byte(response)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					for {
						line, err := r.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) == 2 {
							break
						}
					}
					c.Write(answer)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

const small = "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n" +
	"Content-Type: text/plain\r\nContent-Length: 13\r\nETag: \"abc\"\r\n\r\nHello, world!"

func BenchmarkGet(b *testing.B) {
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
	}{
		{"sonde", nethttp.New(nil)},
		{"nethttp", &http.Transport{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := &http.Client{Transport: c.rt}
			defer client.CloseIdleConnections()
			url := canned(b, small)
			b.ReportAllocs()
			for b.Loop() {
				req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
				resp, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
