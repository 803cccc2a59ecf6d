package socket

import (
	"context"
	"net"
	"testing"
	"time"

	"sonde/internal/clock"
)

// BenchmarkCancellation is what a call that can be cancelled costs: its beginning and
// its end on a connection, without anything in between. "registered" is a call that
// has lasted longer than a tick.
func BenchmarkCancellation(b *testing.B) {
	shared, cancel := context.WithCancel(context.Background())
	defer cancel()
	perCall := func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }
	timed := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), time.Minute)
	}
	fixed := func(ctx context.Context) func() (context.Context, context.CancelFunc) {
		return func() (context.Context, context.CancelFunc) { return ctx, func() {} }
	}
	for _, bm := range []struct {
		name       string
		made       func() (context.Context, context.CancelFunc)
		registered bool
	}{
		{"none", fixed(nil), false},
		{"shared", fixed(shared), false},
		{"shared, registered", fixed(shared), true},
		{"made per call", perCall, false},
		{"made per call, registered", perCall, true},
		{"timeout per call", timed, false},
		{"timeout per call, registered", timed, true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			c := New(connected(b))
			defer c.Kill()
			var call Call
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := bm.made()
				c.Begin(&call, ctx, 0, clock.Now())
				if bm.registered {
					c.Watch()
				}
				if !c.End() {
					b.Fatal("the connection cannot be used again")
				}
				cancel()
			}
		})
	}
}

// connected is a connection over loopback, whose other end stays silent.
func connected(b *testing.B) net.Conn {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	other, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { other.Close() })
	return c
}
