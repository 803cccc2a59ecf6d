package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// goroutines serves with one goroutine a connection: TLS, large bodies, and
// systems without epoll.
type goroutines struct {
	file string // what Down sends
	gate gate[net.Conn]
}

func (g *goroutines) serve(ln net.Listener) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go g.conn(c)
	}
}

// conn answers the requests of one connection.
func (g *goroutines) conn(c net.Conn) {
	defer c.Close()
	defer g.gate.leave(c)
	buf := make([]byte, 256<<10)
	have := 0
	for {
		end := head(buf[:have])
		if end < 0 {
			n, err := c.Read(buf[have:])
			if have += n; err != nil || n == 0 {
				return
			}
			continue
		}
		rest, err := g.answer(c, buf, end, have)
		if err != nil {
			return
		}
		have = rest
	}
}

var errClosing = errors.New("the answer was the last one")

// answer answers the request buf[:end]. buf[end:have] came behind it; how much is
// left of that is returned, and lies at the start of buf.
func (g *goroutines) answer(c net.Conn, buf []byte, end, have int) (int, error) {
	var err error
	switch request := buf[:end]; kind(request) {
	case 'h':
		_, err = c.Write(headers)
	case 'c':
		if _, err = c.Write(closing); err == nil {
			err = errClosing
		}
	case 'w':
		for waiting := range g.gate.arrive(c, waitFor(request)) {
			waiting.Write(small)
		}
	case 'd':
		err = g.send(c)
	case 'u':
		return 0, take(c, buf, request, have)
	default:
		_, err = c.Write(small)
	}
	return copy(buf, buf[end:have]), err
}

// send sends the file, by sendfile where the system has it.
func (g *goroutines) send(c net.Conn) error {
	f, err := os.Open(g.file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n", commonFields, info.Size()); err != nil {
		return err
	}
	_, err = io.Copy(c, f)
	return err
}

// take reads a body to its end and answers with the length.
func take(c net.Conn, buf, request []byte, have int) error {
	size := contentLength(request)
	got := int64(have - len(request))
	for got < size {
		n, err := c.Read(buf)
		if got += int64(n); err != nil {
			return err
		}
	}
	body := fmt.Appendf(nil, "%016d", got)
	_, err := c.Write(bytes.Join([][]byte{
		fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n", commonFields, len(body)), body}, nil))
	return err
}
