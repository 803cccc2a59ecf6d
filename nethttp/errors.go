package nethttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"sonde"
	"sonde/internal/message"
)

// What net/http says, in the words by which programs know it.

// timeoutError is a net.Error.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

// Timeout is true.
func (e *timeoutError) Timeout() bool { return true }

// Temporary is true.
func (e *timeoutError) Temporary() bool { return true }

// Is takes it for the end of a context's time as well.
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

var (
	errHeadTimeout = &timeoutError{"net/http: timeout awaiting response headers"}
	errTLSTimeout  = &timeoutError{"net/http: TLS handshake timeout"}
)

// broken is an error of a connection that carried a request.
func broken(err error) error {
	return fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
}

// failure is what net/http would have returned instead of err, from a round trip.
func (t *Transport) failure(f *flight, err error) error {
	switch end := f.Context.Err(); {
	case end != nil && errors.Is(err, end):
		return f.ended()
	case f.canceled.Load() && errors.Is(err, errCanceled):
		ended := f.ended()
		if e := (*sonde.Error)(nil); ended == errCanceled && errors.As(err, &e) && waiting(e.Op) {
			return errCanceledWaiting
		}
		return ended
	}
	e, ok := err.(*sonde.Error)
	if !ok {
		return err
	}
	switch e.Op {
	case sonde.OpRequest:
		return e.Err
	case sonde.OpResolve, sonde.OpConnect, sonde.OpProxy, sonde.OpTLS, sonde.OpAcquire:
		return t.dialFailure(e)
	}
	return t.exchangeFailure(e)
}

func waiting(op sonde.Op) bool {
	switch op {
	case sonde.OpAcquire, sonde.OpResolve, sonde.OpConnect, sonde.OpProxy, sonde.OpTLS:
		return true
	}
	return false
}

// dialFailure is the error of a connection that was not made.
func (t *Transport) dialFailure(e *sonde.Error) error {
	var p *sonde.ProxyError
	if errors.As(e.Err, &p) {
		return proxyFailure(p, e.Op == sonde.OpProxy)
	}
	switch e.Op {
	case sonde.OpTLS:
		return tlsFailure(e.Err)
	case sonde.OpResolve, sonde.OpConnect:
		return connectFailure(e.Err)
	}
	return e.Err
}

// tlsFailure is an error of a handshake, as crypto/tls gave it.
func tlsFailure(err error) error {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return record // of a plain HTTP answer http.Client makes http.ErrSchemeMismatch
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTLSTimeout
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return err
}

// connectFailure is an error of package net's, in its own words.
func connectFailure(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return err
	}
	var dns *net.DNSError
	var addr *net.AddrError
	if errors.As(err, &dns) || errors.As(err, &addr) {
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	return err
}

// proxyFailure is the error of a proxy that could not be reached or, where it was,
// refused.
func proxyFailure(p *sonde.ProxyError, reached bool) error {
	var own *callbackError
	var bad *message.Malformed
	cause := p.Err
	switch {
	case errors.As(p.Err, &own):
		return own.err
	case p.Status != 0:
		return errors.New(reason(p))
	case cause == nil:
		return p
	case !reached:
		cause = connectFailure(cause)
	case strings.HasPrefix(p.Proxy, "socks5"):
		return &net.OpError{Op: "socks connect", Net: "tcp", Err: cause}
	case errors.Is(cause, io.EOF):
		return io.ErrUnexpectedEOF // the proxy ended the connection instead of an answer
	case errors.As(cause, &bad):
		return malformed(bad)
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: cause}
}

// reason is the reason that the proxy gave with its status, or else the usual one.
func reason(p *sonde.ProxyError) string {
	_, line, _ := strings.Cut(p.Error(), " answered ")
	if _, text, ok := strings.Cut(line, " "); ok && text != "" {
		return text
	}
	return "unknown status code"
}

// exchangeFailure is an error after the connection was there.
func (t *Transport) exchangeFailure(e *sonde.Error) error {
	switch err := e.Err; {
	case e.Op == sonde.OpProtocol:
		return t.protocolFailure(err)
	case e.Op == sonde.OpWrite:
		return writeFailure(err)
	case errors.Is(err, os.ErrDeadlineExceeded) && t.settings.headTimeout > 0:
		return errHeadTimeout
	case e.Op == sonde.OpFirstByte && errors.Is(err, io.EOF):
		return io.EOF
	case e.Op == sonde.OpFirstByte:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return broken(io.ErrUnexpectedEOF)
	default:
		return err
	}
}

// wrongLength is the error of a request's body that is not as long as declared.
func wrongLength(declared, got int64) error {
	return fmt.Errorf("http: ContentLength=%d with Body length %d", declared, got)
}

// writeFailure is an error of the connection, or else of the request's body.
func writeFailure(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "write" {
		return broken(err)
	}
	var length *message.WrongLength
	if errors.As(err, &length) {
		return broken(wrongLength(length.Declared, length.Got))
	}
	return err
}

// protocolFailure is about a response that is none.
func (t *Transport) protocolFailure(err error) error {
	if errors.Is(err, message.ErrLimit) {
		return broken(fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", t.settings.maxHead))
	}
	var bad *message.Malformed
	if errors.As(err, &bad) {
		err = malformed(bad)
	}
	return broken(err)
}

// malformed is bad in those words of net/http's that programs look for, such as one
// that guesses from them that the server wants TLS.
func malformed(bad *message.Malformed) error {
	switch {
	case bad.What == "not a Content-Length":
		return fmt.Errorf("bad Content-Length %q", bad.Near)
	case strings.HasSuffix(bad.What, "not an HTTP response"):
		line, _, _ := strings.Cut(bad.Near, "\n")
		return fmt.Errorf("malformed HTTP response %q", strings.TrimSuffix(line, "\r"))
	}
	return bad
}

// bodyFailure is what net/http would have said of an error of the body.
func (t *Transport) bodyFailure(f *flight, err error) error {
	e, ok := err.(*sonde.Error)
	if !ok {
		return err
	}
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	if ended := f.ended(); ended != nil {
		return ended
	}
	return e.Err
}
