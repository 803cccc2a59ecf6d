package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"sonde"
	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// TestAnswersChecked: no client is content with another status, length or byte than
// the right one. Those who looked less closely would be faster.
func TestAnswersChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	const right = "0000000000001000"
	for name, answer := range map[string]string{
		"status": "HTTP/1.1 203 Fine\r\nContent-Length: 16\r\n\r\n" + right,
		"length": "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + right + "0",
		"start":  "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n1" + right[1:],
		"end":    "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + right[:15] + "1",
	} {
		addr := fickle(t, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+right, answer)
		get := job(t, Job{Addr: addr, Path: serve.Small, Workers: 1})
		up := Job{Addr: addr, Path: serve.Up, Workers: 1, File: file, Size: 1000}
		clients := map[string]measure.Client{
			"raw": Raw(get, Context{}), "DoInto": SondeDoInto(get, Context{}), "Do": SondeDo(get),
			"fasthttp": FastHTTP(get, Context{}), "hertz": Hertz(get), "net/http": NetHTTP(get, Context{}),
			"nethttp": SondeNetHTTP(get, Context{}), "resty": Resty(get), "requests": Requests(get),
			"raw once": RawOneShot(get), "sonde once": SondeDoInto(get, Context{}, sonde.WithOneShot()),
			"fasthttp once": FastHTTPOneShot(get), "hertz once": HertzOneShot(get), "net/http once": NetHTTPOneShot(get),
		}
		if name != "length" { // a number may have another zero in front; raw knows where it ends
			clients["raw upload"], clients["upload"] = RawUpload(&up), SondeUpload(&up)
			clients["fasthttp upload"], clients["net/http upload"] = FastHTTPUpload(&up), NetHTTPUpload(&up)
		}
		for who, c := range clients {
			if name == "length" && who == "raw once" {
				continue // it closes behind what it knows the answer to be
			}
			op, err := c.Op(0)
			for range 2 { // raw reads what is too much with the next answer
				if err == nil {
					err = op()
				}
			}
			if err == nil {
				t.Errorf("%s: %s does not mind", name, who)
			}
			if c.Close != nil {
				c.Close()
			}
		}
	}
}

// fickle is the address of a server that gives the right answer once, to NewJob, and
// the wrong one from then on.
func fickle(t *testing.T, right, wrong string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for answer := right; ; answer = wrong {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewReader(c); ; {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					fmt.Fprint(c, answer)
					if req.Close {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}
