package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"sonde/internal/clock"
)

// TestQuiet: deadlines that the dialer has set stay through calls, and what bounds
// a call still ends it.
func TestQuiet(t *testing.T) {
	c, peer := pair(t)
	c.SetQuiet()
	if !c.Quiet() || c.Layered() {
		t.Error(c.Quiet(), c.Layered())
	}
	c.Raw().SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	for range 2 {
		var call Call
		c.Begin(&call, context.Background(), 0, clock.Now())
		peer.Write([]byte("x"))
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if !c.End() {
			t.Fatal("not usable")
		}
	}
	var call Call
	c.Begin(&call, nil, 0, clock.Now())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || c.Cause() != nil {
		t.Error(err, c.Cause())
	}
	if !c.End() {
		t.Error("not usable")
	}

	c.Raw().SetReadDeadline(time.Time{})
	// A wait is over, and reading goes on.
	c.Begin(&call, context.Background(), 0, clock.Now())
	c.SetReadWait(clock.Now() + int64(10*time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !IsTimeout(err) || c.Expired() {
		t.Error(err, c.Expired())
	}
	c.SetReadWait(0)
	peer.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
	// A limit ends the connection.
	c.SetReadLimit(clock.Now() + int64(10*time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); err == nil || !errors.Is(c.Cause(), os.ErrDeadlineExceeded) {
		t.Error(err, c.Cause())
	}
	c.End()
}

// hollow is a connection for a test, without one inside.
type hollow struct{ net.Conn }

// TestAddresses: a connection that panics when it is asked has no address.
func TestAddresses(t *testing.T) {
	c, _ := pair(t)
	if Local(c.Raw()) == nil || Remote(c.Raw()) == nil {
		t.Error("a TCP connection without addresses")
	}
	if a, b := Local(hollow{}), Remote(hollow{}); a != nil || b != nil {
		t.Error(a, b)
	}
}
