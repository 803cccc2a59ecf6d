package sonde_test

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"sonde"
)

// echoConn answers every write with the same response, without a system call: what
// is left of a call is sonde's own.
type echoConn struct {
	answer []byte
	ready  bool
}

func (c *echoConn) Write(p []byte) (int, error) { c.ready = true; return len(p), nil }

func (c *echoConn) Read(p []byte) (int, error) {
	if !c.ready {
		return 0, os.ErrDeadlineExceeded // a look whether an idle connection is alive
	}
	c.ready = false
	return copy(p, c.answer), nil
}

func (c *echoConn) Close() error                     { return nil }
func (c *echoConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *echoConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *echoConn) SetDeadline(time.Time) error      { return nil }
func (c *echoConn) SetReadDeadline(time.Time) error  { return nil }
func (c *echoConn) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkOverhead is what sonde itself adds to the system calls of a small GET.
func BenchmarkOverhead(b *testing.B) {
	c := newClient(b, sonde.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &echoConn{answer: []byte(smallAnswer)}, nil
	}})
	req := sonde.NewRequest(sonde.GET, "http://overhead.test/")
	b.Run("DoInto", func(b *testing.B) {
		var resp sonde.Response
		b.ReportAllocs()
		for b.Loop() {
			if err := c.DoInto(context.Background(), req, &resp); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Do", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(context.Background(), req); err != nil {
				b.Fatal(err)
			}
		}
	})
}
