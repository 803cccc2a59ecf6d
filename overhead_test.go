package sonde_test

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"sonde"
)

// echoConn answers every write with the same response, without a system call: what
// is left of a call is sonde's own.
type echoConn struct {
	answer []byte
	ready  bool
	away   func() // what happens between request and response; nil: nothing
}

func (c *echoConn) Write(p []byte) (int, error) { c.ready = true; return len(p), nil }

func (c *echoConn) Read(p []byte) (int, error) {
	if !c.ready {
		return 0, os.ErrDeadlineExceeded // it is asked whether it lives
	}
	c.ready = false
	if c.away != nil {
		c.away()
	}
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

// BenchmarkCrowd is the same with 64 calls under way: while one waits the others run,
// so that what a call touches has left the nearest cache when it goes on, as it has
// in a program that does more than call. Each call shows what it adds to raw. The
// figures are CPU time, which others on the machine disturb less.
func BenchmarkCrowd(b *testing.B) {
	const crowd = 64
	kernel := make([]byte, 48<<10) // what a system call goes through meanwhile, about
	away := func() {
		for i := 0; i < len(kernel); i += 64 {
			kernel[i]++
		}
		runtime.Gosched()
	}
	request := []byte("GET / HTTP/1.1\r\nHost: overhead.test\r\nUser-Agent: sonde/0.1.0\r\nAccept-Encoding: gzip, deflate\r\n\r\n")
	dial := func(context.Context, string, string) (net.Conn, error) {
		return &echoConn{answer: []byte(smallAnswer), away: away}, nil
	}
	c := newClient(b, sonde.Config{Dial: dial})
	req := sonde.NewRequest(sonde.GET, "http://overhead.test/")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, bm := range []struct {
		name string
		op   func() func() error
	}{
		{"raw", func() func() error {
			conn, _ := dial(context.Background(), "", "")
			buf := make([]byte, len(smallAnswer))
			return func() error {
				if _, err := conn.Write(request); err != nil {
					return err
				}
				_, err := io.ReadFull(conn, buf)
				return err
			}
		}},
		{"DoInto", func() func() error {
			resp := new(sonde.Response)
			return func() error { return c.DoInto(context.Background(), req, resp) }
		}},
		{"DoInto-cancel", func() func() error {
			resp := new(sonde.Response)
			return func() error { return c.DoInto(ctx, req, resp) }
		}},
		{"Do", func() func() error {
			return func() error { _, err := c.Do(context.Background(), req); return err }
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			ops := make([]func() error, crowd)
			for i := range ops {
				ops[i] = bm.op()
			}
			var all sync.WaitGroup
			start := processTime()
			for _, op := range ops {
				all.Go(func() {
					for range b.N/crowd + 1 {
						if err := op(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(processTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
}
