package h1_test

import (
	"testing"
	"time"

	"sonde/internal/h1"
	"sonde/trace"
)

func TestKeepAlive(t *testing.T) {
	length := h1.Framing{Kind: h1.Length, Length: 5}
	for _, c := range []struct {
		start, fields string
		framing       h1.Framing
		why           trace.Reason
		timeout       time.Duration
		requests      int
	}{
		{"1.1 200", "", length, trace.NoReason, 0, 0},
		{"1.1 200", "Connection: keep-alive\r\n", length, trace.NoReason, 0, 0},
		{"1.1 200", "Connection: Close\r\n", length, trace.ServerAsked, 0, 0},
		{"1.1 200", "Connection: keep-alive, close\r\n", length, trace.ServerAsked, 0, 0},
		{"1.1 200", "Connection: x\r\nConnection: close\r\n", length, trace.ServerAsked, 0, 0},
		{"1.1 200", "Connection: \"close\"\r\n", length, trace.NoReason, 0, 0},
		{"1.2 200", "", length, trace.NoReason, 0, 0},
		{"1.0 200", "", length, trace.ServerHTTP10, 0, 0},
		{"1.0 200", "Connection: Keep-Alive\r\n", length, trace.NoReason, 0, 0},
		{"1.0 200", "Proxy-Connection: keep-alive\r\n", length, trace.ServerHTTP10, 0, 0},
		{"1.0 200", "Connection: keep-alive, close\r\n", length, trace.ServerAsked, 0, 0},
		{"1.1 200", "", h1.Framing{Kind: h1.UntilClose}, trace.BodyUntilClose, 0, 0},
		{"1.1 200", "Connection: close\r\n", h1.Framing{Kind: h1.UntilClose}, trace.BodyUntilClose, 0, 0},
		{"1.1 200", "", h1.Framing{Kind: h1.ChunkedBody, Ambiguous: true}, trace.AmbiguousFraming, 0, 0},
		{"1.1 204", "", h1.Framing{}, trace.NoReason, 0, 0},
		{"1.1 200", "Keep-Alive: timeout=5, max=100\r\n", length, trace.NoReason, 5 * time.Second, 100},
		{"1.1 200", "keep-alive: TIMEOUT=5\r\nKeep-Alive: Max=7\r\n", length, trace.NoReason, 5 * time.Second, 7},
		{"1.1 200", "Keep-Alive: timeout=0\r\n", length, trace.ServerHint, 0, 0},
		{"1.1 200", "Keep-Alive: timeout=5, max=0\r\n", length, trace.ServerAsked, 0, 0},
		{"1.1 200", "Keep-Alive: timeout=999999999\r\n", length, trace.NoReason, 24 * time.Hour, 0},
		// Only a hint: what cannot be read is passed over.
		{"1.1 200", "Keep-Alive: 300\r\n", length, trace.NoReason, 0, 0},
		{"1.1 200", "Keep-Alive: timeout=-5, max=99999999999999999999, , x\r\n", length, trace.NoReason, 0, 0},
	} {
		reuse, why, timeout, requests := h1.KeepAlive(head(t, c.start, c.fields), c.framing)
		if reuse != (c.why == trace.NoReason) || why != c.why || timeout != c.timeout || requests != c.requests {
			t.Errorf("%s %q %+v: %v, %v, %v, %d", c.start, c.fields, c.framing, reuse, why, timeout, requests)
		}
	}
}
