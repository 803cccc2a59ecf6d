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
		return context.Cause(f.Context)
	case f.canceled.Load() && errors.Is(err, errCanceled):
		if e := (*sonde.Error)(nil); errors.As(err, &e) && waiting(e.Op) {
			return errCanceledWaiting
		}
		return errCanceled
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
		return proxyFailure(p)
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
	if errors.As(err, &dns) {
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	return err
}

// proxyFailure is the error of a proxy that could not be reached, or refused.
func proxyFailure(p *sonde.ProxyError) error {
	var own *callbackError
	switch {
	case errors.As(p.Err, &own):
		return own.err
	case p.Status != 0:
		return errors.New(reason(p))
	case p.Err == nil || p.Reply != 0:
		return p
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: p.Err}
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
	case errors.Is(err, os.ErrDeadlineExceeded) && t.settings.headTimeout > 0:
		return errHeadTimeout
	case e.Op == sonde.OpWrite:
		return writeFailure(err)
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

// writeFailure is an error of the connection, or else of the request's body.
func writeFailure(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "write" {
		return broken(err)
	}
	return err
}

// protocolFailure is about a response that is none.
func (t *Transport) protocolFailure(err error) error {
	if errors.Is(err, message.ErrLimit) {
		return fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", t.settings.maxHead)
	}
	var bad *message.Malformed
	if errors.As(err, &bad) && bad.What == "not a Content-Length" {
		return broken(fmt.Errorf("bad Content-Length %q", bad.Near))
	}
	return broken(err)
}

// bodyFailure is what net/http would have said of an error of the body.
func (t *Transport) bodyFailure(f *flight, err error) error {
	e, ok := err.(*sonde.Error)
	if !ok {
		return err
	}
	switch {
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case f.Context.Err() != nil:
		return context.Cause(f.Context)
	case f.canceled.Load():
		return errCanceled
	}
	return e.Err
}
