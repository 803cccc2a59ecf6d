package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"sonde"
)

// The exit codes of curl.
const (
	curlScheme      = 1
	curlURL         = 3
	curlProxyName   = 5
	curlResolve     = 6
	curlConnect     = 7
	curlWeird       = 8
	curlPartial     = 18
	curlStatus      = 22
	curlWrite       = 23
	curlRead        = 26
	curlTimeout     = 28
	curlRange       = 33
	curlTLS         = 35
	curlRedirects   = 47
	curlEmpty       = 52
	curlSend        = 55
	curlReceive     = 56
	curlCertificate = 60
	curlEncoding    = 61
	curlRewind      = 65
	curlAuthority   = 77
	curlProxy       = 97

	interrupted = 128 + int(syscall.SIGINT) // as a shell says it
	terminated  = 128 + int(syscall.SIGTERM)
)

type (
	urlError    struct{ error } // the URL cannot be read
	inputError  struct{ error } // a file to be sent cannot be read
	bodyError   struct{ error } // the call failed within the response's body
	outputError struct{ error } // writing what came failed
	schemeError struct{ scheme string }
	statusError struct{ status sonde.Status }
)

func (e *inputError) Unwrap() error  { return e.error }
func (e *bodyError) Unwrap() error   { return e.error }
func (e *outputError) Unwrap() error { return e.error }
func (e *outputError) Error() string { return "writing the output: " + e.error.Error() }
func (e *schemeError) Error() string {
	return fmt.Sprintf("scheme %q is not supported: http and https are", e.scheme)
}
func (e *statusError) Error() string { return "the server answered " + e.status.String() }

// inputReader marks the errors of what is uploaded.
type inputReader struct{ io.Reader }

func (r *inputReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = &inputError{err}
	}
	return n, err
}

// curlCode is the exit code that curl has for err.
func curlCode(ctx context.Context, err error) int {
	var (
		url    *urlError
		scheme *schemeError
		status *statusError
		input  *inputError
		output *outputError
		file   *fs.PathError
		body   *bodyError
		call   *sonde.Error
		proxy  *proxyURLError
		ca     *authorityError
		parts  *rangeError
	)
	switch {
	case ctx.Err() != nil && endedBy(ctx, syscall.SIGTERM):
		return terminated
	case ctx.Err() != nil:
		return interrupted
	case errors.As(err, &url):
		return curlURL
	case errors.As(err, &scheme):
		return curlScheme
	case errors.As(err, &proxy):
		return curlProxyName
	case errors.As(err, &ca):
		return curlAuthority
	case errors.As(err, &status):
		return curlStatus
	case errors.As(err, &parts):
		return curlRange
	case errors.As(err, &output), errors.Is(err, errBinary):
		return curlWrite
	case errors.As(err, &input), errors.As(err, &file):
		return curlRead
	case errors.As(err, &call):
		code := callCode(call)
		if code == curlWeird && errors.As(err, &body) {
			return curlReceive // as for a chunk that is none
		}
		return code
	}
	return exitUsage
}

// callCode goes by the phase in which a call failed.
func callCode(e *sonde.Error) int {
	var certificate *tls.CertificateVerificationError
	switch {
	case e.Timeout():
		return curlTimeout
	case errors.As(e, &certificate):
		return curlCertificate
	}
	var proxy *sonde.ProxyError
	viaProxy := errors.As(e, &proxy)
	switch e.Op {
	case sonde.OpDecode:
		return curlEncoding
	case sonde.OpResolve:
		if viaProxy {
			return curlProxyName
		}
		return curlResolve
	case sonde.OpConnect, sonde.OpAcquire:
		return curlConnect
	case sonde.OpTLS:
		return curlTLS
	case sonde.OpProxy:
		var record tls.RecordHeaderError
		switch {
		case errors.As(e, &record):
			return curlTLS
		case viaProxy && strings.HasPrefix(proxy.Proxy, "socks"):
			return curlProxy
		case !viaProxy: // what the environment says cannot be read
			return curlProxyName
		}
	case sonde.OpWrite:
		return curlSend
	case sonde.OpFirstByte:
		if errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF) {
			return curlEmpty
		}
	case sonde.OpRead:
		if errors.Is(e, io.ErrUnexpectedEOF) {
			return curlPartial
		}
	case sonde.OpRedirect:
		switch {
		case errors.Is(e, sonde.ErrTooManyRedirects), errors.Is(e, sonde.ErrRedirectLoop):
			return curlRedirects
		case errors.Is(e, sonde.ErrUsedBody):
			return curlRewind
		}
		return curlURL
	case sonde.OpProtocol:
		return curlWeird
	}
	return curlReceive
}

// endedBy reports whether that signal ended ctx, as signal.NotifyContext says it.
func endedBy(ctx context.Context, s syscall.Signal) bool {
	return strings.HasPrefix(context.Cause(ctx).Error(), s.String()+" ")
}
