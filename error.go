package sonde

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/pool"
)

// Op is the phase of a call in which it failed.
type Op string

// The phases of a call.
const (
	OpRequest   Op = fault.Request   // the request itself is wrong; nothing was done
	OpAcquire   Op = fault.Acquire   // waiting for a connection
	OpResolve   Op = fault.Resolve   // looking up the name
	OpConnect   Op = fault.Connect   // connecting
	OpProxy     Op = fault.Proxy     // the proxy's part
	OpTLS       Op = fault.TLS       // the TLS handshake
	OpWrite     Op = fault.Write     // sending the request
	OpFirstByte Op = fault.FirstByte // waiting for the response
	OpRead      Op = fault.Read      // reading the response
	OpDecode    Op = fault.Decode    // making sense of its body
	OpRedirect  Op = fault.Redirect  // following a redirect
	OpStatus    Op = fault.Status    // the status is none of the accepted: Err is a *StatusError
	OpProtocol  Op = fault.Protocol  // the response breaks the rules of HTTP
)

// Error is what every call returns when it fails. The cause stays in the chain:
// errors.Is and errors.As find net's, crypto/tls's and the caller's own errors.
// When the context ended the call, both ctx.Err() and context.Cause(ctx) are in
// the chain; when a timeout of Config did, os.ErrDeadlineExceeded is.
type Error struct {
	Op      Op
	Method  Method
	URL     string // without credentials
	Attempt int    // counted from 1; 0: none was begun
	Remote  string // address of the connection, "" if none was there
	Err     error

	// NotRetried is why the request was not sent again although Retry asked for it;
	// nil if it did not, or if no attempt was left.
	NotRetried error

	safe  bool
	inner *inner // of an attempt made for another call
}

// Error is a line such as
// "GET http://localhost:1/: connect: dial tcp 127.0.0.1:1: connection refused". It holds
// no credential and no byte of a body.
func (e *Error) Error() string {
	text := string(e.Op)
	if e.URL != "" {
		text = e.URL + ": " + text
	}
	if e.Method != "" {
		text = string(e.Method) + " " + text
	}
	if e.Attempt > 1 {
		text += " (attempt " + strconv.Itoa(e.Attempt) + ")"
	}
	text += ": " + e.causeText()
	if e.NotRetried != nil {
		text += "; not sent again: " + e.NotRetried.Error()
	}
	return text
}

// causeText is the text of the cause without the phase, which stands before it.
func (e *Error) causeText() string {
	text := strings.TrimPrefix(e.Err.Error(), string(e.Op)+": ")
	if e.Op == OpConnect { // "dial tcp 127.0.0.1:1: connect: connection refused"
		for {
			before, after, found := strings.Cut(text, ": connect: ")
			if !found {
				break
			}
			text = before + ": " + after
		}
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a deadline or a timeout ended the call. It makes Error
// a net.Error.
func (e *Error) Timeout() bool {
	t, ok := errs.As[net.Error](e.Err)
	return ok && t.Timeout()
}

// Temporary is the same as Timeout; it is there for net.Error.
func (e *Error) Temporary() bool { return e.Timeout() }

// SafeToRetry reports whether no byte of the request has left, so that the server
// cannot have acted on it. When false, nobody can know.
func (e *Error) SafeToRetry() bool { return e.safe }

// ErrClosed is in the chain of the error of a call on a client that was closed.
var ErrClosed = pool.ErrClosed

// ErrTooLarge is in the chain of the error of a call whose response was larger
// than a limit.
var ErrTooLarge = errors.New("response larger than the limit")

// StatusError says that the response's status is none of those accepted.
type StatusError struct {
	Head
	Body      []byte // the first bytes of the body, at most Limits.ErrorBody
	Truncated bool   // there were more
}

// Error is the status; of the body it says only how long it is.
func (e *StatusError) Error() string {
	more := ""
	if e.Truncated {
		more = " or more"
	}
	return fmt.Sprintf("status %v (body of %d bytes%s)", e.Status, len(e.Body), more)
}
