package inspect_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"sonde/internal/watchtest"
)

// The programs that get more words than a URL.
var wordyPrograms = map[string]watchtest.Program{
	// An address and host names: each is asked for in turn, and all lead to the
	// address.
	"names":     func(words ...string) error { return askNames(false, words[0], words[1:]...) },
	"names-tls": func(words ...string) error { return askNames(true, words[0], words[1:]...) },

	// A URL and a DNS server. The first asks for an address before each request and
	// sends it there, as programs do that balance load by themselves; the second
	// leaves that to net/http.
	"by-address": func(words ...string) error { return askAddresses(words[0], words[1]) },
	"by-name": func(words ...string) error {
		c := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Resolver: resolverAt(words[1])}).DialContext}}
		return inTurn(c, words[0], hostRequests, pauseBetween, drained)
	},

	// A URL and a proxy.
	"through":        func(words ...string) error { return through(words[0], words[1], true, 10, pauseBetween) },
	"through-once":   func(words ...string) error { return through(words[0], words[1], false, 10, pauseBetween) },
	"through-pauses": func(words ...string) error { return through(words[0], words[1], true, 5, 250*time.Millisecond) },

	// A URL: each of some resources is asked for until there is an answer, or once.
	"retries":      func(words ...string) error { return persist(words[0], http.MethodGet, 3, 0) },
	"no-retries":   func(words ...string) error { return persist(words[0], http.MethodPost, 1, 0) },
	"retries-late": func(words ...string) error { return persist(words[0], http.MethodGet, 3, 60*time.Millisecond) },
	"uploads":      func(words ...string) error { return uploads(words[0]) },
	"stuck-forever": func(words ...string) error {
		return inTurn(http.DefaultClient, words[0], 5, 300*time.Millisecond, forgotten)
	},
}

const (
	hostRequests = 12
	pauseBetween = 30 * time.Millisecond
)

// through sends requests by way of a proxy.
func through(target, proxy string, keep bool, n int, pause time.Duration) error {
	u, err := url.Parse(proxy)
	if err != nil {
		return err
	}
	c := trusting(false)
	c.Transport.(*http.Transport).Proxy, c.Transport.(*http.Transport).DisableKeepAlives = http.ProxyURL(u), !keep
	return inTurn(c, target, n, pause, drained)
}

// askNames asks each name in turn, and again.
func askNames(secure bool, address string, names ...string) error {
	scheme := "http"
	t := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	if secure {
		scheme = "https"
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	}
	c := &http.Client{Transport: t}
	for n := range hostRequests {
		if err := inTurn(c, fmt.Sprintf("%s://%s/", scheme, names[n%len(names)]), 1, pauseBetween, drained); err != nil {
			return err
		}
	}
	return nil
}

func resolverAt(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server)
	}}
}

// askAddresses asks DNS for each request.
func askAddresses(target, server string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	for range hostRequests {
		all, err := resolverAt(server).LookupNetIP(context.Background(), "ip4", u.Hostname()+".")
		if err != nil {
			return err
		}
		r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%v:%s/", all[0], u.Port()), nil)
		if err != nil {
			return err
		}
		r.Host = u.Host
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		if err := drained(a); err != nil {
			return err
		}
		time.Sleep(pauseBetween)
	}
	return nil
}

// persist asks for eight resources, each so many times at most.
func persist(target, method string, times int, timeout time.Duration) error {
	for n := range 8 {
		for range times {
			r, err := http.NewRequest(method, fmt.Sprintf("%s/%d", target, n), nil)
			if err != nil {
				return err
			}
			ctx := context.Background()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			a, err := http.DefaultClient.Do(r.WithContext(ctx))
			if err == nil && drained(a) == nil && a.StatusCode == http.StatusOK {
				break
			}
			time.Sleep(pauseBetween)
		}
	}
	return nil
}

// uploads sends more than is wanted.
func uploads(target string) error {
	for range 6 {
		a, err := http.Post(target, "text/plain", bytes.NewReader(make([]byte, 4<<20)))
		if err == nil { // the answer may be lost
			drained(a)
		}
		time.Sleep(pauseBetween)
	}
	return nil
}
