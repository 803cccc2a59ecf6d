// Command raw links what no HTTPS client in Go goes without, and nothing above it.
package main

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/url"
	"os"
)

func main() {
	u, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	c, err := tls.Dial("tcp", u.Host, nil)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.RequestURI(), u.Host)
	if z, err := gzip.NewReader(c); err == nil {
		io.Copy(os.Stdout, z)
	}
}
