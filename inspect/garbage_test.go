package inspect_test

import (
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"sonde/inspect"
)

// TestGarbage: beginnings of protocols, bits that are wrong, gaps and windows that
// close: no figure goes below zero, and a report comes of it.
func TestGarbage(t *testing.T) {
	beginnings := []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
		"\x16\x03\x03\x00\x31\x02\x00\x00\x2d\x03\x03", "\x16\x03\x03\x40\x00\x0b\x00\x3f\xfc", "\x14\x03\x03\x00\x01\x01",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "\x17\x03\x03\x00\x40", "\x15\x03\x03\x00\x02\x01\x00", fine,
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWire(inspect.Config{})
	var calls [8]*call
	for n := range 60_000 {
		k := rng.IntN(len(calls))
		if calls[k] == nil || rng.IntN(40) == 0 {
			calls[k] = w.dial(uint16(4000+rng.IntN(100)), byte(k))
		}
		c, from := calls[k], rng.IntN(2)
		data := []byte(beginnings[rng.IntN(len(beginnings))])
		for range rng.IntN(3) {
			data[rng.IntN(len(data))] = byte(rng.Uint32())
		}
		for range rng.IntN(60) {
			data = append(data, byte(rng.Uint32()))
		}
		c.seq[from] += uint32(rng.IntN(20) / 19 * rng.IntN(1000))
		c.window[from] = uint16(rng.IntN(10) * 6000)
		flags := byte(ack)
		if rng.IntN(30) == 0 {
			flags = byte(rng.IntN(64))
		}
		c.packet(from, flags, string(data))
		w.wait(time.Duration(rng.IntN(50)) * time.Millisecond)
		if n%5000 == 0 {
			checkFigures(t, w.in.Snapshot(0).Origins)
		}
	}
	r := w.in.Finish()
	checkFigures(t, r.Origins)
	if err := r.WriteHTML(io.Discard); err != nil || len(r.AppendText(nil)) == 0 {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

func checkFigures(t *testing.T, all []inspect.Origin) {
	t.Helper()
	for _, o := range all {
		if min(o.Requests, o.Conns, o.Reused, o.Unused, o.Open, o.InFlight, o.Avoidable) < 0 || o.Reused > o.Conns {
			t.Errorf("%+v", o)
		}
	}
}
