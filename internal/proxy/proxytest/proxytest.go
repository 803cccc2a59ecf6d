// Package proxytest is a proxy for tests: it does what it is asked, by CONNECT, by
// requests in absolute-form and by SOCKS 5, on one port.
package proxytest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Proxy is such a proxy. Its exported fields are set before it serves.
type Proxy struct {
	TLS            *tls.Config       // with clients; nil: none
	User, Password string            // that it wants; "": none
	Digest         bool              // it wants Digest, of anybody
	Names          map[string]string // that it knows, as addresses

	mu    sync.Mutex
	heads []string
	asked []string
}

// Heads is the heads of the requests to it so far.
func (p *Proxy) Heads() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heads)
}

// Asked is the hosts that SOCKS was asked for so far.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *Proxy) saw(head string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads = append(p.heads, head)
}

// Listen serves on a free port of loopback until stop is called, which waits.
func (p *Proxy) Listen() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				p.Serve(c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	return l.Addr().String(), func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	}, nil
}

// Serve serves one connection.
func (p *Proxy) Serve(conn net.Conn) {
	if p.TLS != nil {
		conn = tls.Server(conn, p.TLS)
	}
	r := bufio.NewReader(conn)
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
func (p *Proxy) http(conn net.Conn, r *bufio.Reader) bool {
	head, err := readHead(r)
	if err != nil {
		return false
	}
	p.saw(head)
	line, rest, _ := strings.Cut(head, "\r\n")
	method, _, _ := strings.Cut(line, " ")
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(rest))).ReadMIMEHeader()
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return false
	}
	// Who refuses a body that comes all the same cannot go on.
	kept := fields.Get("Transfer-Encoding") == "" && strings.Trim(fields.Get("Content-Length"), "0") == ""
	shown := fields.Get("Proxy-Authorization")
	if p.User != "" && shown != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password)) {
		io.WriteString(conn, "HTTP/1.1 407 Who are you?\r\nProxy-Authenticate: Basic realm=\"r\"\r\nContent-Length: 4\r\n\r\nno!\n")
		return kept
	}
	if p.Digest && !strings.HasPrefix(shown, "Digest ") {
		io.WriteString(conn, "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"n\"\r\nContent-Length: 0\r\n\r\n")
		return kept
	}
	to, err := p.dial(fields.Get("Host"))
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 502 Cannot get there\r\nContent-Length: 3\r\n\r\nno\n")
		return kept
	}
	defer to.Close()
	if method == "CONNECT" {
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		splice(conn, r, to, to)
		return false
	}
	io.WriteString(to, forwarded(head))
	splice(conn, r, to, &lastResponse{r: bufio.NewReader(to)})
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
func (p *Proxy) dial(addr string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(addr); err == nil && p.Names[host] != "" {
		addr = net.JoinHostPort(p.Names[host], port)
	}
	return net.Dial("tcp", addr)
}

// lastResponse reads responses, and says in the final one that it is the last.
type lastResponse struct {
	r     *bufio.Reader
	ready []byte // to be read first
	body  bool   // the heads are over
	err   error
}

func (l *lastResponse) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		switch {
		case l.body:
			return l.r.Read(p)
		case l.err != nil:
			return 0, l.err
		}
		head, err := readHead(l.r)
		if l.err = err; err == nil && !strings.HasPrefix(head, "HTTP/1.1 1") {
			l.body = true
			head = strings.TrimSuffix(head, "\r\n") + "Connection: close\r\n\r\n"
		}
		l.ready = []byte(head)
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

func readHead(r *bufio.Reader) (head string, err error) {
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if head += line; err != nil {
			return head, err
		}
	}
	return head, nil
}

// splice copies both ways, and hands on the end of each direction, until both
// have ended. From is what comes back from to.
func splice(client net.Conn, r io.Reader, to net.Conn, from io.Reader) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(to, r)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, from)
	if half, ok := client.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-done
}

// socks serves one connection of SOCKS.
func (p *Proxy) socks(conn net.Conn, r *bufio.Reader) {
	b := make([]byte, 512)
	read := func(n int) []byte {
		if _, err := io.ReadFull(r, b[:n]); err != nil {
			conn.Close()
		}
		return b[:n]
	}
	methods := string(read(int(read(2)[1])))
	switch want := byte(0); {
	case p.User != "":
		if want = 2; !strings.ContainsRune(methods, 2) {
			conn.Write([]byte{5, 0xff})
			return
		}
		conn.Write([]byte{5, want})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != p.User || password != p.Password {
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
	splice(conn, r, to, to)
}
