package h1

import (
	"strings"
	"time"

	"sonde/internal/message"
	"sonde/trace"
)

const (
	// longestHint, a day in seconds, bounds a server's hint: a longer one says
	// nothing that our own idle time does not.
	longestHint = 24 * 60 * 60
	// maxHint is the largest number that is taken for one.
	maxHint = 1<<31 - 1
)

// keepAliveNames are those of the fields that KeepAlive looks at.
var keepAliveNames = message.NamesOf("Connection", "Proxy-Connection", "Keep-Alive")

// KeepAlive says whether the connection may carry another exchange after a
// response with head h, and if not why (RFC 9112, section 9.3). timeout and
// requests are the server's hints: how long it keeps an idle connection, and how
// many more requests it takes; 0 where it gave none.
func KeepAlive(h *message.Head, f Framing) (reuse bool, why trace.Reason, timeout time.Duration, requests int) {
	plain := h.Minor > 0 && !f.Ambiguous && f.Kind != UntilClose
	if plain && !h.Fields.MayHave(keepAliveNames) {
		return true, trace.NoReason, 0, 0 // as most responses: 180 instructions less
	}
	switch {
	case f.Ambiguous:
		return false, trace.AmbiguousFraming, 0, 0
	case f.Kind == UntilClose:
		return false, trace.BodyUntilClose, 0, 0
	// Proxies say Proxy-Connection, too, which RFC 9112 appendix C.2.2 knows but
	// does not love: the wish to close is honoured.
	case h.Fields.HasToken("Connection", "close"), h.Fields.HasToken("Proxy-Connection", "close"):
		return false, trace.ServerAsked, 0, 0
	case h.Minor == 0 && !h.Fields.HasToken("Connection", "keep-alive"):
		return false, trace.ServerHTTP10, 0, 0
	}
	hints := readHints(&h.Fields)
	switch {
	case hints.timeout == 0:
		return false, trace.ServerHint, 0, 0
	case hints.requests == 0:
		return false, trace.ServerAsked, 0, 0
	}
	if hints.timeout > 0 {
		timeout = time.Duration(min(hints.timeout, longestHint)) * time.Second
	}
	return true, trace.NoReason, timeout, int(max(hints.requests, 0))
}

// hints are the parameters of Keep-Alive, -1 where it does not give them.
type hints struct{ timeout, requests int64 }

// readHints reads "Keep-Alive: timeout=5, max=100", which RFC 2068, section
// 19.7.1.1, reserved and servers made common. What it cannot read it passes
// over: it is only a hint.
func readHints(f *message.Fields) hints {
	h := hints{-1, -1}
	for i := f.Index("Keep-Alive", 0); i >= 0; i = f.Index("Keep-Alive", i+1) {
		_, list := f.Peek(i)
		for list != "" {
			var member string
			member, list = message.CutMember(list)
			name, value, _ := strings.Cut(member, "=")
			n, ok := message.ParseDigits(value)
			switch {
			case !ok || n > maxHint:
			case message.EqualFold(name, "timeout"):
				h.timeout = n
			case message.EqualFold(name, "max"):
				h.requests = n
			}
		}
	}
	return h
}
