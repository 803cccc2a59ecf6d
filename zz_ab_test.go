package sonde_test

import (
	"context"
	"net"
	"os"
	"testing"
	"time"
	"fmt"

	"sonde"
	"sonde/trace"
)

type echo2 struct{ echoConn }

func (c *echo2) Read(p []byte) (int, error) {
	if !c.ready {
		return 0, os.ErrDeadlineExceeded
	}
	return c.echoConn.Read(p)
}

var echoAddr net.Addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}

func (c *echo2) LocalAddr() net.Addr  { return echoAddr }
func (c *echo2) RemoteAddr() net.Addr { return echoAddr }

func TestZZAB(t *testing.T) {
	for _, real := range []bool{false, true} {
		type one struct {
			name string
			c    *sonde.Client
			req  *sonde.Request
			resp sonde.Response
			min  time.Duration
		}
		var all []*one
		url := "http://overhead.test/"
		n := 500
		if real {
			url = rawServer(t, smallAnswer)
		}
		for _, v := range []struct {
			name string
			sink trace.Sink
		}{{"none", nil}, {"nop", trace.SinkFunc(func(trace.Event) {})}, {"ring", trace.NewRing(4096)}, {"ring256", trace.NewRing(256)}} {
			cfg := sonde.Config{Sink: v.sink}
			if !real {
				cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
					return &echo2{echoConn{answer: []byte(smallAnswer)}}, nil
				}
			}
			all = append(all, &one{name: v.name, c: newClient(t, cfg), req: sonde.NewRequest(sonde.GET, url), min: 1 << 60})
		}
		rounds := 600
		if real {
			rounds = 150
		}
		for range rounds {
			for _, o := range all {
				s := processTime()
				for range n {
					if err := o.c.DoInto(context.Background(), o.req, &o.resp); err != nil {
						t.Fatal(err)
					}
				}
				o.min = min(o.min, (processTime()-s)/time.Duration(n))
			}
		}
		for _, o := range all {
			fmt.Printf("real=%v %-8s %5d ns  +%d = %.1f%%\n", real, o.name, o.min, o.min-all[0].min, 100*float64(o.min-all[0].min)/float64(all[0].min))
		}
	}
}
