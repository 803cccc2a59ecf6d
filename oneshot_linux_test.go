package sonde_test

import (
	"net"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
)

// TestOneShotSeen: a connection of its own is package net's where hooks or an upgrade
// show it, and of ours where nobody does; what is told of it is the same.
func TestOneShotSeen(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		if strings.Contains(c.head(), "Upgrade: test") {
			c.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
			return
		}
		c.say(okAnswer)
	})
	rec := new(trace.Recorder)
	c := newClient(t, sonde.Config{Sink: rec})
	var seen net.Conn
	ctx := httptrace.WithClientTrace(background, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { seen = i.Conn },
	})
	if _, err := c.Get(ctx, p.url(), sonde.WithOneShot()); err != nil {
		t.Fatal(err)
	}
	if _, ok := seen.(*net.TCPConn); !ok {
		t.Errorf("a hook got a %T", seen)
	}
	ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url(), sonde.WithOneShot(),
		sonde.WithHeader("Connection", "Upgrade"), sonde.WithHeader("Upgrade", "test")))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	r, err := c.Get(background, p.url(), sonde.WithOneShot())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rec.Events() {
		if e.Kind == trace.ConnectDone && (!e.Detail.Local.IsValid() || e.Detail.Remote.String() != p.ln.Addr().String() || e.Detail.Network != "tcp") {
			t.Errorf("%+v", e.Detail)
		}
	}
	if i := r.ConnInfo(); i.Local.Port() == 0 || i.Remote.String() != p.ln.Addr().String() {
		t.Errorf("%+v", i)
	}
}

// TestOneShotFile: a file goes by sendfile on such a connection, too, over TLS it does
// not, and both arrive whole.
func TestOneShotFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	data := strings.Repeat("0123456789abcdef", 100_000)
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	_, trust := certificates(t)
	for _, secure := range []bool{false, true} {
		o := newTableOrigin(t, secure)
		c := newClient(t, sonde.Config{TLS: trust})
		for _, url := range []string{o.URL, strings.Replace(o.URL, "127.0.0.1", "localhost", 1)} {
			if secure && url != o.URL {
				continue // the certificate has no such name
			}
			r, err := c.Put(background, url+"/echo", sonde.File(path), sonde.WithOneShot())
			if err != nil || string(r.Body) != data || r.Header.Get("X-Length") != "1600000" {
				t.Errorf("%s: %v", url, err)
			}
		}
		if s := c.Pool().Stats(); s.Opened != s.Closed || s.Idle+s.Active != 0 {
			t.Errorf("%+v", s)
		}
	}
}
