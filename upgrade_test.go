package sonde_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// switching is a server that takes every upgrade.
func switching(t *testing.T) *peer {
	return newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		c.gone()
	})
}

func upgrading(url string) *sonde.Request {
	return sonde.NewRequest(sonde.GET, url, sonde.WithHeader("Connection", "upgrade"), sonde.WithHeader("Upgrade", "echo"))
}

// TestUpgradeAfterCancel: a connection that the context has closed is not handed
// over, and the error says why.
func TestUpgradeAfterCancel(t *testing.T) {
	p := switching(t)
	c := newClient(t, sonde.Config{})
	ctx, cancel := context.WithCancelCause(background)
	ex, err := c.Open(ctx, upgrading(p.url()))
	if err != nil {
		t.Fatal(err)
	}
	cancel(errMine)
	conn, err := ex.Upgrade()
	for conn != nil { // the end of the context had not come through yet
		conn.Close()
		ctx, cancel := context.WithCancelCause(background)
		if ex, err = c.Open(ctx, upgrading(p.url())); err != nil {
			t.Fatal(err)
		}
		cancel(errMine)
		time.Sleep(10 * time.Millisecond)
		conn, err = ex.Upgrade()
	}
	if !errors.Is(err, errMine) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, again := ex.Body.Read(make([]byte, 1)); again != err {
		t.Errorf("Read afterwards: %v", again)
	}
	if s := c.Pool().Stats(); s.Active != 0 {
		t.Errorf("%+v", s)
	}
}

// TestUpgradeEvents: each start has its done, also where the connection leaves.
func TestUpgradeEvents(t *testing.T) {
	p := switching(t)
	var rec trace.Recorder
	c := newClient(t, sonde.Config{Sink: &rec})
	ex, err := c.Open(background, upgrading(p.url()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for start, done := range map[trace.Kind]trace.Kind{
		trace.CallStart: trace.CallDone, trace.AttemptStart: trace.AttemptDone,
		trace.AcquireStart: trace.AcquireDone, trace.ConnOpened: trace.ConnClosed,
	} {
		if rec.Count(start) != 1 || rec.Count(done) != 1 {
			t.Errorf("%d of %v, %d of %v", rec.Count(start), start, rec.Count(done), done)
		}
	}
}
