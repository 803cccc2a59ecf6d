package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"sonde/internal/clock"
)

// TestDirectErrors: a Read or Write within a call gives the errors of net.Conn's.
func TestDirectErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *Conn, peer *net.TCPConn)
		op   func(rw io.ReadWriter) error
	}{
		{"the peer closed", func(_ *Conn, peer *net.TCPConn) { peer.Close() }, read},
		{"the peer reset", func(_ *Conn, peer *net.TCPConn) { peer.SetLinger(0); peer.Close() }, read},
		{"written to a peer that closed", func(_ *Conn, peer *net.TCPConn) { peer.SetLinger(0); peer.Close() }, writeUntil},
		{"read after the deadline", func(c *Conn, _ *net.TCPConn) { c.raw.SetDeadline(time.Unix(1, 0)) }, read},
		{"written after the deadline", func(c *Conn, _ *net.TCPConn) { c.raw.SetDeadline(time.Unix(1, 0)) }, write},
		{"nobody reads", func(c *Conn, _ *net.TCPConn) { c.raw.SetDeadline(time.Now().Add(300 * time.Millisecond)) }, writeUntil},
		{"read when closed", func(c *Conn, _ *net.TCPConn) { c.raw.Close() }, read},
		{"written when closed", func(c *Conn, _ *net.TCPConn) { c.raw.Close() }, write},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, peer := pair(t)
			var call Call
			c.Begin(&call, nil, 0, clock.Now())
			plain, plainPeer := pair(t)
			tt.end(c, peer)
			tt.end(plain, plainPeer)
			got, want := tt.op(c), tt.op(plain.raw)
			if want == io.EOF {
				if got != io.EOF {
					t.Fatalf("%v, want EOF", got)
				}
				return
			}
			var g, w *net.OpError
			if !errors.As(got, &g) || !errors.As(want, &w) {
				t.Fatalf("%#v, want %#v", got, want)
			}
			if g.Op != w.Op || g.Net != w.Net || g.Err.Error() != w.Err.Error() || g.Timeout() != w.Timeout() || g.Temporary() != w.Temporary() {
				t.Errorf("%v, want %v", got, want)
			}
			if g.Source == nil || g.Source.String() != c.LocalAddr().String() || g.Addr == nil || g.Addr.String() != c.RemoteAddr().String() {
				t.Errorf("from %v to %v", g.Source, g.Addr)
			}
			for _, is := range []error{net.ErrClosed, os.ErrDeadlineExceeded} {
				if errors.Is(got, is) != errors.Is(want, is) {
					t.Errorf("%v is %v: %t", got, is, errors.Is(got, is))
				}
			}
		})
	}
}

func read(rw io.ReadWriter) error {
	_, err := rw.Read(make([]byte, 8))
	return err
}

func write(rw io.ReadWriter) error {
	_, err := rw.Write([]byte("x"))
	return err
}

// writeUntil writes until that fails.
func writeUntil(rw io.ReadWriter) error {
	p := make([]byte, 8<<10)
	for {
		if _, err := rw.Write(p); err != nil {
			return err
		}
	}
}

// TestDirectWaits: a Write of more than the peer takes at once goes on when it takes
// more, and every byte arrives; so do those that a Read was there for before they came.
func TestDirectWaits(t *testing.T) {
	c, peer := pair(t)
	var call Call
	c.Begin(&call, nil, 0, clock.Now())
	sent := make([]byte, 16<<20) // more than both ends' buffers
	for i := range sent {
		sent[i] = byte(i * 7)
	}
	done := make(chan error, 1)
	go func() {
		for at := 0; at < len(sent); at += 20_000 {
			if _, err := c.Write(sent[at:min(at+20_000, len(sent))]); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%v, equal: %t", err, bytes.Equal(got, sent))
	}
	if err := <-done; err != nil || call.Sent != int64(len(sent)) {
		t.Fatalf("%v, sent %d", err, call.Sent)
	}
	go func() {
		for at := 0; at < len(sent); at += 20_000 {
			peer.Write(sent[at:min(at+20_000, len(sent))])
		}
	}()
	clear(got)
	for at := 0; at < len(got); {
		n, err := c.Read(got[at:min(at+10_000, len(got))])
		if err != nil {
			t.Fatal(err)
		}
		at += n
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes came")
	}
	one := []byte{1}
	if n := testing.AllocsPerRun(100, func() {
		c.Write(one)
		io.ReadFull(peer, got[:1])
	}); n > 0 {
		t.Errorf("a Write allocates %v times", n)
	}
}
