// Package fault is how the layers below the client report a failure: the phase,
// the cause, and what the client needs to decide on another try. The client
// makes its public Error of it, once.
package fault

import "sonde/trace"

// The phases of a call, as the public Error names them.
const (
	Request   = "request"
	Acquire   = "acquire"
	Resolve   = "resolve"
	Connect   = "connect"
	Proxy     = "proxy"
	TLS       = "tls"
	Write     = "write"
	FirstByte = "first-byte"
	Read      = "read"
	Decode    = "decode"
	Redirect  = "redirect"
	Status    = "status"
	Protocol  = "protocol"
)

// Fault is a failure of one attempt. It never reaches a caller of the library.
type Fault struct {
	Op     string
	Err    error        // the cause, never nil
	Sent   bool         // a byte of the request may have left
	Answer bool         // a byte of an answer came
	End    trace.Reason // why the connection ended, if one did
}

func (f *Fault) Error() string { return f.Op + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// New is a fault before anything was sent. Inlined its 38 calls would be 6 KB of a
// program.
//
//go:noinline
func New(op string, err error) *Fault { return &Fault{Op: op, Err: err} }
