// Package proxy is the handshakes with proxies: CONNECT (RFC 9110 §9.3.6) and
// SOCKS version 5 (RFC 1928).
//
// What may live here: what is said on a connection to a proxy until it leads
// further. What may not: how that connection came about, and which proxy to take.
package proxy

import (
	"errors"
	"fmt"
	"strings"

	"sonde/internal/message"
)

// Error is a failure with a proxy.
type Error struct {
	Proxy     *message.Proxy
	Head      *message.Head // of a refusal by HTTP; nil: none
	Body      []byte        // its first bytes
	Truncated bool          // there were more
	Reply     int           // of a refusal by SOCKS (RFC 1928 §6); 0: none
	Err       error         // what else happened; nil with a refusal by HTTP
}

// Error says which proxy, and what happened. It shows no byte of a body, and no
// credential.
func (e *Error) Error() string {
	if e.Head != nil {
		return "proxy " + e.Proxy.Name() + " answered " + status(e.Head)
	}
	return "proxy " + e.Proxy.Name() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// status is the status with the reason as the proxy gave it: for proxies it often
// says more than the number.
func status(h *message.Head) string {
	text := fmt.Sprintf("%d %s", h.Status, h.Reason)
	return strings.Trim(text[:min(len(text), 200)], " \t\r\n")
}

// ErrAgain is that the proxy asked for credentials, which are there now, and ended
// the connection: the handshake is to be tried on another one.
var ErrAgain = errors.New("the proxy asked for credentials and closed the connection")
