package inspect_test

import (
	"encoding/json"
	"iter"
	"net/netip"
	"strings"
	"testing"

	"sonde/inspect"
	"sonde/sockets"
)

// TestPassed: connections that no look met are not called healthy without a word.
func TestPassed(t *testing.T) {
	in := inspect.New(inspect.Config{})
	server := netip.MustParseAddrPort("127.0.0.1:80")
	look := func(at int64, all ...sockets.Socket) {
		var walk iter.Seq2[*sockets.Socket, error] = func(yield func(*sockets.Socket, error) bool) {
			for n := range all {
				if !yield(&all[n], nil) {
					return
				}
			}
		}
		if err := in.Sockets(at, walk); err != nil {
			t.Fatal(err)
		}
	}
	listener := sockets.Socket{State: sockets.Listen, Local: server}
	look(1e9, listener)
	all := []sockets.Socket{listener}
	for n := range uint16(100) {
		all = append(all, sockets.Socket{State: sockets.TimeWait, Local: netip.AddrPortFrom(server.Addr(), 4000+n), Remote: server})
	}
	look(2e9, all...)
	r := in.Finish()
	text := strings.Join(strings.Fields(string(r.AppendText(nil))), " ")
	if r.Verdict.Connections != 100 || !strings.Contains(text, "100 connections came and went between two looks") {
		t.Errorf("%s", text)
	}
	limits := strings.Join(r.Verdict.Limits, " ")
	if r.Verdict.Certain || !strings.Contains(limits, "100 connections came and went") || !strings.Contains(limits, "figures are estimates") {
		t.Errorf("certain is %v, limits are %q", r.Verdict.Certain, limits)
	}
	if b, err := json.Marshal(r.Verdict); err != nil || !strings.Contains(string(b), `"certain":false,"limits":[`) {
		t.Errorf("%s, %v", b, err)
	}
	if r.Verdict.Healthy && !strings.Contains(text, "healthy, as far as sockets tell") {
		t.Errorf("%s", text)
	}
}
