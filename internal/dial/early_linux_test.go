package dial

import (
	"context"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
)

// waits counts how often a connect had to wait: package net registers with the
// context first.
type waits struct {
	context.Context
	n *atomic.Int32
}

func (w waits) AfterFunc(f func()) (stop func() bool) {
	w.n.Add(1)
	return context.AfterFunc(w.Context, f)
}

// Value keeps package context from going round AfterFunc.
func (w waits) Value(any) any { return nil }

// TestLoopbackDoesNotWait: where the kernel has done all when the first connect
// returns, nothing is parked. On a busy machine it may put a part off.
func TestLoopbackDoesNotWait(t *testing.T) {
	l := server(t, "tcp4", "127.0.0.1:0", drain)
	for _, from := range []string{"", "127.0.0.1"} {
		var n atomic.Int32
		controls := 0
		c := Config{Control: func(_, address string, _ syscall.RawConn) error {
			if controls++; address != l.Addr().String() {
				t.Errorf("the caller's Control got %q", address)
			}
			return nil
		}}
		if from != "" {
			c.LocalAddr = netip.MustParseAddr(from)
		}
		d := New(c)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		const dials = 50
		for range dials {
			res, err := d.Dial(waits{ctx, &n}, routeTo("http", "127.0.0.1", portOf(l)), nil)
			if err != nil {
				t.Fatal(err)
			}
			res.Socket.Kill()
		}
		if controls != dials {
			t.Errorf("%d calls of Control", controls)
		}
		switch {
		case from == "" && n.Load() == dials:
			t.Error("each of them waited")
		case from != "" && n.Load() != dials: // it was bound behind Control: not before that
			t.Errorf("%d of %d waited", n.Load(), dials)
		}
	}
}
