package inspect_test

import (
	"iter"
	"net/netip"
	"testing"

	"sonde/inspect"
	"sonde/sockets"
)

// TestFewLooks: a look that meets few of many connections says what it saw of these,
// and nothing of the others.
func TestFewLooks(t *testing.T) {
	for unread, want := range map[uint32]string{
		5000: "bodies-not-closed", 0: "bodies-not-closed client-per-request",
	} {
		w := newWire(inspect.Config{})
		for n := range uint16(20) {
			w.dial(4000+n, 1).get("a", "", fine)
			w.wait(100e6)
			if n != 3 {
				continue
			}
			var walk iter.Seq2[*sockets.Socket, error] = func(yield func(*sockets.Socket, error) bool) {
				yield(&sockets.Socket{State: sockets.Established, Local: addrPort([4]byte{192, 0, 2, 100}, 4001),
					Remote: netip.MustParseAddrPort("192.0.2.1:80"), Has: sockets.DetailInfo, RecvQueue: unread}, nil)
			}
			if err := w.in.Sockets(w.since.Add(w.now).UnixNano(), walk); err != nil {
				t.Fatal(err)
			}
		}
		checkCauses(t, &w.in.Finish().Verdict, want)
	}
}
