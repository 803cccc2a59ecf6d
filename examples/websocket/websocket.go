// Package websocket shows how a WebSocket library runs on sonde's connections: the
// client makes the connection, through proxies and with TLS as for any request, and
// sends the handshake; the library gets the connection after the 101.
package websocket

import (
	"errors"
	"net/http"

	"sonde"
)

// Transport makes the connections of a library that takes an http.RoundTripper for
// its handshake, and wants the connection as the body of the 101 response, as
// github.com/coder/websocket does.
type Transport struct{ Client *sonde.Client }

// RoundTrip sends the handshake. The body of a 101 response is the connection.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var header sonde.Header
	for name, values := range r.Header {
		for _, value := range values {
			if err := header.Add(name, value); err != nil {
				return nil, err
			}
		}
	}
	ex, err := t.Client.Open(r.Context(), sonde.NewRequest(sonde.Method(r.Method), r.URL.String(), sonde.WithHeaders(header)))
	if refused, ok := errors.AsType[*sonde.StatusError](err); ok {
		return response(r, &refused.Head), nil
	}
	if err != nil {
		return nil, err
	}
	resp := response(r, &ex.Head)
	conn, err := ex.Upgrade()
	if err != nil { // a success, but none that hands the connection over
		ex.Close()
		return resp, nil
	}
	resp.Body = conn
	return resp, nil
}

// response is a head as net/http has it, without a body.
func response(r *http.Request, h *sonde.Head) *http.Response {
	resp := &http.Response{
		StatusCode: int(h.Status), Status: h.Status.String(), Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Body: http.NoBody,
	}
	for name, value := range h.Header.All() {
		resp.Header.Add(name, value)
	}
	return resp
}
