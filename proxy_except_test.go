package sonde

import (
	"net"
	"net/url"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

// TestExceptions: lists of exceptions are read as Go's own package for them does.
func TestExceptions(t *testing.T) {
	entries := []string{
		"", " ", ",", ".", "*.", "*", "a.test", "A.Test ", " .a.test", "*.a.test", "*a.test", "..a.test", "a.test.", "test", ".test",
		"a.test:80", ".a.test:443", "*.a.test:80", "a.test:", ":80", "localhost", "localhost:80", "bücher.test", ".bücher.test", "xn--bcher-kva.test",
		"192.0.2.7", "192.0.2.7:80", "192.0.2.0/24", "192.0.2.0/33", "192.0.2.0/24:80", "0.0.0.0/0", "192.0.2", "192.0.02.7", "127.0.0.1", "127.0.0.0/8",
		"2001:db8::7", "[2001:db8::7]:80", "2001:db8::/32", "[2001:db8::/32]", "::/0", "::1", "::ffff:192.0.2.7", "::ffff:192.0.2.0/120", "::ffff:0:0/90",
	}
	hosts := []string{
		"a.test", "www.a.test", "ba.test", "www.test", "test", "a.test.", "localhost", "my.localhost", "xn--bcher-kva.test", "www.xn--bcher-kva.test",
		"192.0.2.7", "192.0.3.7", "127.0.0.1", "127.1.2.3", "2001:db8::7", "2001:db9::7", "::1", "::ffff:192.0.2.7",
	}
	lists := append([]string(nil), entries...)
	for i, e := range entries {
		lists = append(lists, e+","+entries[(i+7)%len(entries)], "x.test, "+e)
	}
	for _, list := range lists {
		theirs := (&httpproxy.Config{HTTPProxy: "http://p.test", NoProxy: list}).ProxyFunc()
		ours := except(list, false)
		for _, host := range hosts {
			for _, port := range []string{"80", "443"} {
				to, err := theirs(&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)})
				want := to != nil && err == nil
				if got := ours(host, port); got != want {
					t.Errorf("%q, %s port %s: %v, theirs %v", list, host, port, got, want)
				}
			}
		}
	}
}
