// Package nethttp puts the client of package sonde below net/http, and net/http's
// RoundTrippers below the client.
//
// # One line
//
//	client := &http.Client{Transport: nethttp.New(nil)}
//
// New takes an *http.Transport as a bag of settings, so that a program that has one
// changes no more than
//
//	client.Transport = nethttp.New(transport)
//
// What net/http documents of a RoundTripper holds to the letter: who closes which
// body and when, the request as it is sent, to the byte, what of the response is
// in which field of http.Response, the errors that programs test for, retries, and
// the hooks of package httptrace in their order. docs/nethttp.md says what differs
// and why; net/http's own tests run against this package.
//
// HTTP/1.1 is all that it speaks so far: ALPN never offers h2, whatever
// TLSClientConfig.NextProtos says, and a transport whose Protocols allow HTTP/2
// alone is refused by an error of every request.
//
// # What one can ask now
//
// Transport.Client is the sonde Client below, with the pool, its statistics, and the
// reasons why each connection was opened and ended. Transport.With changes it, for
// instance to give it a Sink. A context with trace.WithHooks is honoured as one of
// httptrace is.
//
// # The other way round
//
// Handler makes a sonde.Handler of any http.RoundTripper: mocks and recorders that
// were written for net/http serve in tests of programs that use sonde.
package nethttp
