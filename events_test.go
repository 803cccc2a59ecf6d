package sonde_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
)

// TestEventTimes: the times of a call's events never go back, however its connection
// ends; an upload has its own order, and a dial may outlive its call.
func TestEventTimes(t *testing.T) {
	last := map[uint64]trace.Event{}
	for _, e := range pairsRun(t, 400, false).Events() {
		if e.Call == 0 || late(e.Kind) || slices.Contains(aside, e.Kind) {
			continue
		}
		if before, ok := last[e.Call]; ok && e.Time.Before(before.Time) {
			t.Errorf("%s comes after %s, and happened %v before it", e.Kind, before.Kind, before.Time.Sub(e.Time))
		}
		last[e.Call] = e
	}
}

// TestTargetWithoutSecrets: a request-target that the caller wrote may have
// credentials, which no sink gets; the server does.
func TestTargetWithoutSecrets(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		if head := c.head(); !strings.HasPrefix(head, "GET http://u:topsecret@h/ ") {
			t.Error(head)
		}
		c.say(okAnswer)
	})
	rec := new(trace.Recorder)
	c := newClient(t, sonde.Config{Sink: rec})
	if _, err := c.Get(background, p.url(), sonde.WithTarget("http://u:topsecret@h/")); err != nil {
		t.Fatal(err)
	}
	if text := transcriptOf(rec.Events()); strings.Contains(text, "topsecret") || !strings.Contains(text, "GET http://h/ HTTP/1.1") {
		t.Error(text)
	}
}

// stuckReader gives one piece, and then nothing until it is let go.
type stuckReader struct{ pieces, free chan struct{} }

func (r stuckReader) Read(p []byte) (int, error) {
	select {
	case <-r.pieces:
		return copy(p, "piece"), nil
	case <-r.free:
		return 0, io.EOF
	}
}

// TestBodyWrittenOfStuck: an upload whose Reader is left behind tells how much of it
// has left until then.
func TestBodyWrittenOfStuck(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		for line := ""; line != "piece\r\n"; {
			line, _ = c.r.ReadString('\n')
		}
		c.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
		c.gone()
	})
	r := stuckReader{make(chan struct{}, 1), make(chan struct{})}
	r.pieces <- struct{}{}
	rec := new(trace.Recorder)
	c := newClient(t, sonde.Config{Sink: rec})
	if _, err := c.Post(background, p.url(), sonde.Reader(r, -1)); err == nil {
		t.Error("no error")
	}
	close(r.free)
	for _, e := range rec.Events() {
		if e.Kind == trace.BodyWritten && (e.Bytes != 5 || e.Err == nil) {
			t.Errorf("%d bytes, %v", e.Bytes, e.Err)
		}
	}
	if rec.Count(trace.BodyWritten) != 1 {
		t.Error(transcriptOf(rec.Events()))
	}
}

// TestBodyReadOfDrained: what is read of a body once it was closed, so that its
// connection can be kept, counts among the bytes that came.
func TestBodyReadOfDrained(t *testing.T) {
	const size = 8000
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Length", "8000")
		}
		io.WriteString(w, strings.Repeat("x", size))
	}))
	defer s.Close()
	for _, path := range []string{"/", "/chunked"} {
		rec := new(trace.Recorder)
		c := newClient(t, sonde.Config{Sink: rec})
		err := c.Stream(background, sonde.NewRequest(sonde.GET, s.URL+path), func(ex *sonde.Exchange) error {
			_, err := io.ReadFull(ex.Body, make([]byte, 10))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		kept := rec.Count(trace.ConnPut) == 1
		for _, e := range rec.Events() {
			if e.Kind == trace.BodyRead && (e.Err == nil && e.Bytes != size || e.Err == nil && !kept || e.Err != nil && kept) {
				t.Errorf("%s: %d bytes, %v; the connection was kept: %v", path, e.Bytes, e.Err, kept)
			}
		}
	}
}
