package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sonde"
	"sonde/auth"
	"sonde/internal/proxy/proxytest"
)

// proxyOf starts a proxy that wants me:secret, and one to be before it, that wants
// nothing.
func proxyOf() (addr, before string, stop func()) {
	last := &proxytest.Proxy{User: "me", Password: "secret"}
	addr, stopLast, err := last.Listen()
	if err != nil {
		panic(err)
	}
	before, stopFirst, err := new(proxytest.Proxy).Listen()
	if err != nil {
		panic(err)
	}
	return addr, before, func() { stopLast(); stopFirst() }
}

// A proxy that wants a name and a password.
func ExampleProxy() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello world") })
	defer stop()
	addr, _, stopProxy := proxyOf()
	defer stopProxy()

	p, err := sonde.NewProxy("http://me:secret@"+addr, sonde.ProxyConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := sonde.New(sonde.Config{Proxy: sonde.FixedProxy(p)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	r, err := client.Get(context.Background(), base)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(r.Body), r.ConnInfo().Proxy == p.String(), strings.Contains(p.String(), "secret"))
	// Output: Hello world true false
}

// An HTTP proxy behind a SOCKS proxy, tunnels also for http, and what the proxy
// wants to know.
func ExampleProxyConfig() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello world") })
	defer stop()
	addr, before, stopProxy := proxyOf()
	defer stopProxy()

	first, err := sonde.NewProxy("socks5h://"+before, sonde.ProxyConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := sonde.NewProxy("http://"+addr, sonde.ProxyConfig{
		Via:    first,
		Tunnel: true,
		Auth:   auth.Basic("me", "secret"),
		HeaderFunc: func(_ context.Context, target string) (h sonde.Header, err error) {
			err = h.Add("X-Reason", "an example")
			return h, err
		},
		OnConnect: func(_ context.Context, target string, h *sonde.Head) error {
			fmt.Println("the proxy answered", int(h.Status))
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	r, err := client.Get(context.Background(), base, sonde.WithProxy(p))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(r.Body))
	// Output:
	// the proxy answered 200
	// Hello world
}

// A proxy for some requests only.
func ExampleProxyChoice() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello world") })
	defer stop()
	addr, _, stopProxy := proxyOf()
	defer stopProxy()

	p, err := sonde.NewProxy("http://me:secret@"+addr, sonde.ProxyConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, choice := range []sonde.ProxyChoice{
		sonde.FixedProxy(p),
		sonde.FixedProxy(p).Except("127.0.0.0/8,.internal"),
		sonde.ProxyFunc(func(_ context.Context, u *url.URL) (*sonde.Proxy, error) {
			if u.Path == "/far" {
				return p, nil
			}
			return nil, nil
		}),
	} {
		client, err := sonde.New(sonde.Config{Proxy: choice})
		if err != nil {
			fmt.Println(err)
			return
		}
		r, err := client.Get(context.Background(), base+"/far")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.ConnInfo().Proxy != "")
		client.Close()
	}
	// Output:
	// true
	// false
	// true
}

// What a proxy says when it refuses.
func ExampleProxyError() {
	addr, _, stop := proxyOf()
	defer stop()
	p, err := sonde.NewProxy("http://"+addr, sonde.ProxyConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = sonde.Get(context.Background(), "https://example.com", sonde.WithProxy(p))
	if refused, ok := errors.AsType[*sonde.ProxyError](err); ok {
		fmt.Println(refused.Status, refused.Header.Get("Proxy-Authenticate"))
	}
	// Output: 407 Proxy Authentication Required Basic realm="r"
}
