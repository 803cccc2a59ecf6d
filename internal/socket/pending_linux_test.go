package socket

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// TestPending: an error that only says that there is one is replaced by that one, or by
// what it was where a write was told; others stay.
func TestPending(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := New(raw)
	defer c.Kill()
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	vague := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("not pollable")}
	for range 2 { // the system tells of it once
		if err := c.pending(vague); !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	}
	if err := c.pending(io.EOF); err != io.EOF {
		t.Error(err)
	}
}
