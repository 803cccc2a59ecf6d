package inspect

import (
	"net/netip"
	"testing"
)

// TestAskedUnseen: a client that asks to close, inside of TLS: now the server's FIN
// is first and now the client's, and one cause explains both.
func TestAskedUnseen(t *testing.T) {
	tests := []struct {
		server, client int
		first          Name
	}{
		{8, 6, ClientAsksClose},
		{8, 0, ServerAsksClose},
		{0, 6, BodiesNotDrained},
	}
	for _, tt := range tests {
		i := New(Config{})
		i.seen.Packets = 1
		p := i.place(netip.MustParseAddr("192.0.2.1"), netip.MustParseAddrPort("192.0.2.2:443"))
		p.requests, p.conns, p.peak = 1+tt.server+tt.client, 1+tt.server+tt.client, 1
		for n := range tt.server {
			p.tally(serverNow).add(&loss{kind: serverNow, requests: 1, opaque: true}, n+1, true)
		}
		for n := range tt.client {
			p.tally(clientNow).add(&loss{kind: clientNow, requests: 1, opaque: true}, tt.server+n+1, true)
		}
		var r Report
		i.judge(&r)
		if len(r.Verdict.Causes) == 0 || r.Verdict.Causes[0].Cause != tt.first {
			t.Errorf("closed by the server %d times, by the client %d times: %+v, want %s first", tt.server, tt.client, r.Verdict.Causes, tt.first)
		}
	}
}
