package sonde_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sonde"
)

// proxyPeer is a proxy that does what it is asked: CONNECT, requests in
// absolute-form, and SOCKS 5, over TLS if it is to.
type proxyPeer struct {
	*peer
	secure         bool
	user, password string            // that it wants; "": none
	digest         bool              // it wants Digest, of anybody
	names          map[string]string // that it knows, as addresses

	mu    sync.Mutex
	heads []string // of the requests to it
	asked []string // hosts that SOCKS was asked for
}

// newProxyPeer starts such a proxy, as set says it shall be.
func newProxyPeer(t testing.TB, set func(*proxyPeer)) *proxyPeer {
	p := &proxyPeer{names: map[string]string{}}
	set(p)
	p.peer = newPeer(t, p.serve)
	return p
}

// at is the proxy's URL with that scheme, and its credentials.
func (p *proxyPeer) at(scheme string) string {
	if p.user != "" {
		return scheme + "://" + p.user + ":" + p.password + "@" + p.ln.Addr().String()
	}
	return scheme + "://" + p.ln.Addr().String()
}

// saw notes the head of a request.
func (p *proxyPeer) saw(head string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads = append(p.heads, head)
}

// seen is the heads so far.
func (p *proxyPeer) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heads...)
}

func (p *proxyPeer) serve(c *peerConn) {
	conn, r := c.Conn, c.r
	if p.secure {
		server, _ := certificates(c.t)
		secured := tls.Server(conn, server)
		conn, r = secured, bufio.NewReader(secured)
	}
	first, err := r.Peek(1)
	if err != nil {
		return
	}
	if first[0] == 5 {
		p.socks(conn, r)
		return
	}
	for p.http(conn, r) {
	}
}

// http takes one request, and reports whether another can follow.
func (p *proxyPeer) http(conn net.Conn, r *bufio.Reader) bool {
	head := (&peerConn{r: r}).head()
	if head == "" {
		return false
	}
	p.saw(head)
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return false
	}
	if p.user != "" && req.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)) {
		fmt.Fprintf(conn, "HTTP/1.1 407 Who are you?\r\nProxy-Authenticate: Basic realm=\"r\"\r\nContent-Length: %d\r\n\r\n%s", 4, "no!\n")
		return req.Method == "CONNECT" || req.ContentLength == 0
	}
	if p.digest && !strings.HasPrefix(req.Header.Get("Proxy-Authorization"), "Digest ") {
		io.WriteString(conn, "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"n\"\r\nContent-Length: 0\r\n\r\n")
		return true
	}
	to, err := p.dial(req.Host)
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 502 Cannot get there\r\nContent-Length: 3\r\n\r\nno\n")
		return req.Method == "CONNECT" || req.ContentLength == 0
	}
	defer to.Close()
	if req.Method == "CONNECT" {
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	} else {
		io.WriteString(to, forwarded(head))
	}
	splice(conn, r, to)
	return false
}

// forwarded is a head as the origin gets it, which is asked to end its connection.
func forwarded(head string) string {
	line, rest, _ := strings.Cut(head, "\r\n")
	method, line, _ := strings.Cut(line, " ")
	_, target, _ := strings.Cut(line, "://")
	target = target[strings.IndexByte(target, '/'):]
	out := method + " " + target + "\r\n"
	for field := range strings.SplitSeq(strings.TrimSuffix(rest, "\r\n\r\n"), "\r\n") {
		if !strings.HasPrefix(strings.ToLower(field), "proxy-") {
			out += field + "\r\n"
		}
	}
	return out + "Connection: close\r\n\r\n"
}

// dial connects to an address, whose name may be one of its own.
func (p *proxyPeer) dial(addr string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(addr); err == nil && p.names[host] != "" {
		addr = net.JoinHostPort(p.names[host], port)
	}
	return net.Dial("tcp", addr)
}

// splice copies both ways, and hands on the end of each direction, until both
// have ended. The response's end is the end.
func splice(client net.Conn, r io.Reader, to net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(to, r)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, to)
	if half, ok := client.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-done
}

// socks serves one connection of SOCKS.
func (p *proxyPeer) socks(conn net.Conn, r *bufio.Reader) {
	b := make([]byte, 512)
	read := func(n int) []byte {
		if _, err := io.ReadFull(r, b[:n]); err != nil {
			conn.Close()
		}
		return b[:n]
	}
	methods := string(read(int(read(2)[1])))
	switch want := byte(0); {
	case p.user != "":
		if want = 2; !strings.ContainsRune(methods, 2) {
			conn.Write([]byte{5, 0xff})
			return
		}
		conn.Write([]byte{5, want})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != p.user || password != p.password {
			conn.Write([]byte{1, 1})
			return
		}
		conn.Write([]byte{1, 0})
	default:
		conn.Write([]byte{5, want})
	}
	host := ""
	switch read(4)[3] {
	case 1:
		host = netip.AddrFrom4([4]byte(read(4))).String()
	case 4:
		host = netip.AddrFrom16([16]byte(read(16))).String()
	case 3:
		host = string(read(int(read(1)[0])))
	}
	port := read(2)
	p.mu.Lock()
	p.asked = append(p.asked, host)
	p.mu.Unlock()
	to, err := p.dial(net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1]))))
	if err != nil {
		conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer to.Close()
	conn.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
	splice(conn, r, to)
}

// mustProxy is a Proxy.
func mustProxy(t testing.TB, url string, cfg sonde.ProxyConfig) *sonde.Proxy {
	t.Helper()
	p, err := sonde.NewProxy(url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// proxied is a client whose requests all take that proxy.
func proxied(t testing.TB, url string, cfg sonde.ProxyConfig) *sonde.Client {
	t.Helper()
	_, trust := certificates(t)
	if cfg.TLS == nil && strings.HasPrefix(url, "https") {
		cfg.TLS = trust
	}
	return newClient(t, sonde.Config{TLS: trust, Proxy: sonde.FixedProxy(mustProxy(t, url, cfg))})
}
