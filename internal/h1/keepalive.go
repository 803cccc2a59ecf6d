package h1

import (
	"time"

	"sonde/internal/message"
	"sonde/trace"
)

// KeepAlive says whether the connection may carry another exchange.
func KeepAlive(h *message.Head, f Framing) (reuse bool, why trace.Reason, timeout time.Duration, max int) {
	panic("soon")
}
