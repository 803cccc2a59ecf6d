package resolver_test

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"sonde/resolver"
)

// TestDoHDead: a question that met the end of a kept connection is asked again, by
// whichever method; once.
func TestDoHDead(t *testing.T) {
	for _, post := range []bool{false, true} {
		for _, orderly := range []bool{false, true} {
			s := newDoHServer(t)
			s.answer = func(q dnsmessage.Question, m *dnsmessage.Message) {
				m.Answers = []dnsmessage.Resource{a("a.example.", 60, "192.0.2.1")}
			}
			var ends atomic.Int32
			s.over = func(w http.ResponseWriter, packed []byte) {
				if n := len(s.seen); n == 2 || n > 3 {
					ends.Add(1)
					c, _, err := w.(http.Hijacker).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					if raw := c.(interface{ NetConn() net.Conn }).NetConn(); !orderly {
						raw.(*net.TCPConn).SetLinger(0)
						raw.Close()
					}
					c.Close()
					return
				}
				w.Header().Set("Content-Type", "application/dns-message")
				w.Write(packed)
			}
			d := s.doh(t, resolver.DoHConfig{Post: post})
			for range 2 {
				if got, err := d.LookupNetIP(t.Context(), "ip4", "a.example"); err != nil || len(got) != 1 {
					t.Errorf("post %v, orderly %v: %v, %v", post, orderly, got, err)
				}
			}
			if ends.Load() != 1 {
				t.Errorf("post %v: %d connections ended", post, ends.Load())
			}
			if _, err := d.LookupNetIP(t.Context(), "ip4", "a.example"); err == nil {
				t.Error("no error of a server that ends each connection")
			}
			if ends.Load() != 3 {
				t.Errorf("post %v: asked %d times", post, ends.Load()-1)
			}
		}
	}
}
