package inspect_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"sonde/internal/netnstest"
	"sonde/internal/watchtest"
)

// The programs that are watched.

func TestMain(m *testing.M) {
	for name, run := range programs {
		wordyPrograms[name] = func(args ...string) error { return run(args[0]) }
	}
	watchtest.Main(wordyPrograms)
	netnstest.Alone()
	watchtest.Together()
	os.Exit(m.Run())
}

// Those that get a URL.
var programs = map[string]func(url string) error{
	"well":           func(url string) error { return inTurn(http.DefaultClient, url, 10, 30*time.Millisecond, drained) },
	"many":           func(url string) error { return inTurn(http.DefaultClient, url, 20, 5*time.Millisecond, drained) },
	"not-closed":     func(url string) error { return inTurn(http.DefaultClient, url, 10, 30*time.Millisecond, forgotten) },
	"not-closed-now": func(url string) error { return inTurn(http.DefaultClient, url, 30, 0, forgotten) },
	"not-drained":    func(url string) error { return inTurn(http.DefaultClient, url, 10, 30*time.Millisecond, closed) },
	"pool-of-two":    func(url string) error { return together(http.DefaultClient, url, 10, 30, 5*time.Millisecond) },
	"rounds":         func(url string) error { return rounds(http.DefaultClient, url, 10, 6) },
	"pool-enough": func(url string) error {
		return together(&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}, url, 10, 30, 5*time.Millisecond)
	},
	"client-each": func(url string) error {
		for range 10 {
			if err := inTurn(&http.Client{Transport: &http.Transport{}}, url, 1, 30*time.Millisecond, drained); err != nil {
				return err
			}
		}
		return nil
	},
	"client-each-closed": func(url string) error {
		for range 10 {
			t := &http.Transport{}
			if err := inTurn(&http.Client{Transport: t}, url, 1, 0, drained); err != nil {
				return err
			}
			t.CloseIdleConnections()
			time.Sleep(30 * time.Millisecond)
		}
		return nil
	},
	"no-keep-alive": func(url string) error {
		return inTurn(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, url, 10, 10*time.Millisecond, drained)
	},
	"idle-timeout": func(url string) error {
		return inTurn(&http.Client{Transport: &http.Transport{IdleConnTimeout: 60 * time.Millisecond}}, url, 5, 200*time.Millisecond, drained)
	},
	"idle-timeout-long": func(url string) error {
		return inTurn(&http.Client{Transport: &http.Transport{IdleConnTimeout: 250 * time.Millisecond}}, url, 4, 500*time.Millisecond, drained)
	},
	"pauses-long": func(url string) error { return inTurn(http.DefaultClient, url, 4, 500*time.Millisecond, drained) },
	"pauses":      func(url string) error { return inTurn(http.DefaultClient, url, 5, 250*time.Millisecond, drained) },
	"gives-up": func(url string) error {
		for n := range 6 {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			get(ctx, http.DefaultClient, fmt.Sprint(url, "?", n), drained) // not a retry
			cancel()
		}
		return nil
	},
	"resets": func(url string) error {
		for range 8 {
			get(context.Background(), http.DefaultClient, url, drained)
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	},
	"burst": func(url string) error {
		if err := rounds(http.DefaultClient, url, 50, 1); err != nil {
			return err
		}
		return inTurn(http.DefaultClient, url, 30, 5*time.Millisecond, drained)
	},
	"burst-kept": func(url string) error {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
		if err := rounds(c, url, 50, 1); err != nil {
			return err
		}
		return inTurn(c, url, 30, 5*time.Millisecond, drained)
	},
	"tls":             func(url string) error { return inTurn(trusting(false), url, 10, 20*time.Millisecond, drained) },
	"tls-together":    func(url string) error { return together(trusting(false), url, 3, 20, 0) },
	"tls-not-closed":  func(url string) error { return inTurn(trusting(false), url, 10, 30*time.Millisecond, forgotten) },
	"tls-not-drained": func(url string) error { return inTurn(trusting(false), url, 10, 30*time.Millisecond, closed) },
	"tls-pool":        func(url string) error { return rounds(trusting(false), url, 8, 8) },
	"tls-pauses":      func(url string) error { return inTurn(trusting(false), url, 5, 250*time.Millisecond, drained) },
	"http2":           func(url string) error { return rounds(trusting(true), url, 20, 5) },
	"h2c": func(url string) error {
		t := &http.Transport{Protocols: new(http.Protocols)}
		t.Protocols.SetUnencryptedHTTP2(true)
		return inTurn(&http.Client{Transport: t}, url, 20, 5*time.Millisecond, drained)
	},
	"h2c-together": func(url string) error {
		t := &http.Transport{Protocols: new(http.Protocols)}
		t.Protocols.SetUnencryptedHTTP2(true)
		return together(&http.Client{Transport: t}, url, 5, 10, 0)
	},
	"http2-each": func(url string) error {
		for range 8 {
			if err := inTurn(trusting(true), url, 2, 20*time.Millisecond, drained); err != nil {
				return err
			}
		}
		return nil
	},
}

// trusting is a client that takes any certificate.
func trusting(http2 bool) *http.Client {
	return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

func drained(r *http.Response) error {
	defer r.Body.Close()
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

func forgotten(*http.Response) error { return nil }

func closed(r *http.Response) error { return r.Body.Close() }

func get(ctx context.Context, c *http.Client, url string, end func(*http.Response) error) error {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	a, err := c.Do(r)
	if err != nil {
		return err
	}
	return end(a)
}

// inTurn sends requests one after another.
func inTurn(c *http.Client, url string, n int, pause time.Duration, end func(*http.Response) error) error {
	for range n {
		if err := get(context.Background(), c, url, end); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	return nil
}

// together sends n requests in each of some goroutines.
func together(c *http.Client, url string, goroutines, n int, pause time.Duration) error {
	var wg sync.WaitGroup
	fail := make(chan error, goroutines)
	for range goroutines {
		wg.Go(func() {
			if err := inTurn(c, url, n, pause, drained); err != nil {
				fail <- err
			}
		})
	}
	wg.Wait()
	close(fail)
	return <-fail
}

// rounds sends so many requests at once, and again when all are answered.
func rounds(c *http.Client, url string, goroutines, n int) error {
	for range n {
		if err := together(c, url, goroutines, 1, 0); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
