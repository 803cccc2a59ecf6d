package sonde_test

import (
	"bytes"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
)

// lateSeeker is a Reader that can be rewound and whose second Read takes its time, as
// any does whose goroutine gets no processor for a while.
type lateSeeker struct {
	*bytes.Reader
	reads atomic.Int32
	begun chan struct{}
}

func (s *lateSeeker) Read(p []byte) (int, error) {
	if s.reads.Add(1) == 2 {
		close(s.begun)
		time.Sleep(30 * time.Millisecond)
	}
	return s.Reader.Read(p[:min(len(p), 10)])
}

// TestBodySharedByAttempts: the kept connection turns out to be dead while the body is
// being read. The attempt that follows waits for its turn with the Reader, and does
// not say that another call has it.
func TestBodySharedByAttempts(t *testing.T) {
	body := &lateSeeker{Reader: bytes.NewReader([]byte("some twenty bytes or so")), begun: make(chan struct{})}
	p := newPeer(t, func(c *peerConn) {
		for i := 0; ; i++ {
			if c.n == 1 && i == 1 {
				c.head()
				<-body.begun
				return
			}
			_, got, err := c.request()
			if err != nil {
				return
			}
			c.say("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(got)) + "\r\n\r\n" + string(got))
		}
	})
	c := newClient(t, sonde.Config{})
	mustGet(t, c, p.url(), "")
	r, err := c.Put(background, p.url(), sonde.Reader(body, 23))
	if err != nil || string(r.Body) != "some twenty bytes or so" {
		t.Fatal(r, err)
	}
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	if at, err := body.Seek(0, io.SeekCurrent); err != nil || at != 23 {
		t.Errorf("the Reader stands at %d, %v", at, err)
	}
}
