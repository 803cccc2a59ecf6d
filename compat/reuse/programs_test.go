package reuse

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"sonde/internal/watchtest"
)

func TestMain(m *testing.M) {
	watchtest.Main(programs)
	watchtest.Together()
	os.Exit(m.Run())
}

// The programs that are watched. Each gets a URL.
var programs = map[string]watchtest.Program{
	"well": func(words ...string) error { return inTurn(&fasthttp.Client{}, words[0], 10, pause, plain) },
	"at-once": func(words ...string) error {
		var c fasthttp.Client
		var all sync.WaitGroup
		wrong := make(chan error, 8)
		for range 8 {
			all.Go(func() {
				if err := inTurn(&c, words[0], 20, 5*time.Millisecond, plain); err != nil {
					wrong <- err
				}
			})
		}
		all.Wait()
		close(wrong)
		return <-wrong
	},
	"close": func(words ...string) error {
		return inTurn(&fasthttp.Client{}, words[0], 8, pause, func(r *fasthttp.Request, _ *fasthttp.Response) { r.SetConnectionClose() })
	},
	"aged": func(words ...string) error { // from then on it asks to close
		return inTurn(&fasthttp.Client{MaxConnDuration: 20 * time.Millisecond}, words[0], 12, pause, plain)
	},
	"idle-timeout": func(words ...string) error {
		return inTurn(&fasthttp.Client{MaxIdleConnDuration: 60 * time.Millisecond}, words[0], 5, 250*time.Millisecond, plain)
	},
	"idle-timeout-long-enough": func(words ...string) error {
		return inTurn(&fasthttp.Client{MaxIdleConnDuration: 5 * time.Second}, words[0], 5, 250*time.Millisecond, plain)
	},
	"client-each": func(words ...string) error {
		for range 8 {
			if err := inTurn(&fasthttp.Client{}, words[0], 1, pause, plain); err != nil {
				return err
			}
		}
		return nil
	},
	"client-each-closed": func(words ...string) error {
		for range 8 {
			var c fasthttp.Client
			if err := inTurn(&c, words[0], 1, 0, plain); err != nil {
				return err
			}
			c.CloseIdleConnections()
			time.Sleep(pause)
		}
		return nil
	},
	"stream": func(words ...string) error {
		return inTurn(&fasthttp.Client{StreamResponseBody: true}, words[0], 8, pause, func(_ *fasthttp.Request, a *fasthttp.Response) {
			if body := a.BodyStream(); body != nil {
				io.Copy(io.Discard, body)
			}
			a.CloseBodyStream()
		})
	},
	"stream-closed": func(words ...string) error {
		return inTurn(&fasthttp.Client{StreamResponseBody: true}, words[0], 8, pause, func(_ *fasthttp.Request, a *fasthttp.Response) { a.CloseBodyStream() })
	},
	"stream-not-closed": func(words ...string) error {
		var forgotten []*fasthttp.Response // whose bodies nobody reads
		var c = fasthttp.Client{StreamResponseBody: true}
		for range 8 {
			r, a := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			r.SetRequestURI(words[0])
			if err := c.Do(r, a); err != nil {
				return err
			}
			forgotten = append(forgotten, a)
			time.Sleep(4 * pause) // until the body has filled what buffers there are
		}
		if len(forgotten) != 8 {
			return fmt.Errorf("%d responses", len(forgotten))
		}
		return nil
	},
	"times-out": func(words ...string) error {
		c := fasthttp.Client{ReadTimeout: 50 * time.Millisecond}
		for n := range 6 {
			_, _, err := c.Get(nil, fmt.Sprint(words[0], "?", n))
			if err == nil {
				return fmt.Errorf("an answer to %d", n)
			}
			time.Sleep(pause)
		}
		return nil
	},
	"names": func(words ...string) error { // and more words: names
		c := fasthttp.Client{Dial: func(string) (net.Conn, error) { return fasthttp.Dial(words[0]) }}
		for n := range 10 {
			if err := inTurn(&c, "http://"+words[1+n%(len(words)-1)]+"/", 1, pause, plain); err != nil {
				return err
			}
		}
		return nil
	},
	"resources": func(words ...string) error { // fasthttp asks again by itself
		var c fasthttp.Client
		for n := range 6 {
			if err := inTurn(&c, fmt.Sprint(words[0], "/", n), 1, pause, plain); err != nil {
				return err
			}
		}
		return nil
	},
}

const pause = 30 * time.Millisecond

func plain(*fasthttp.Request, *fasthttp.Response) {}

// inTurn sends requests one after another, each changed before it is sent; change is
// called again with the response.
func inTurn(c *fasthttp.Client, url string, n int, pause time.Duration, change func(*fasthttp.Request, *fasthttp.Response)) error {
	for range n {
		r, a := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		r.SetRequestURI(url)
		change(r, a)
		if err := c.Do(r, a); err != nil {
			return err
		}
		if a.StatusCode() != fasthttp.StatusOK {
			return fmt.Errorf("status %d", a.StatusCode())
		}
		change(r, a)
		fasthttp.ReleaseRequest(r)
		fasthttp.ReleaseResponse(a)
		time.Sleep(pause)
	}
	return nil
}
