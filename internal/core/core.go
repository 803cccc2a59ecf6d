// Package core is the door between the client, package sonde, and package
// nethttp: one round trip whose head is rendered already, and whose response is
// mapped to another type before its memory goes to the next one. Nobody else
// needs it: what a program can want of a client is in package sonde.
package core

import (
	"context"
	"crypto/tls"
	"io"

	"sonde/internal/message"
)

// RoundTrip sends c's request by client, a *sonde.Client, and fills in the rest of
// c. No policy of the client's is applied. The error is a *sonde.Error; there is
// no response then. Package sonde sets it.
var RoundTrip func(client any, ctx context.Context, c *Call) error

// SetDialing sets d in config, a *sonde.Config. Package sonde sets it.
var SetDialing func(config any, d Dialing)

// Dialing is what only net/http's settings can say of connections.
type Dialing struct {
	Quiet   bool     // the deadlines of what Config.Dial makes are its own
	OwnALPN bool     // ALPN offers the following, instead of what Config.Protocols says
	ALPN    []string // none: the handshake goes without
	KeepOld bool     // past PoolConfig.MaxIdlePerOrigin the newest idle connection ends, not the oldest
	Linger  bool     // a dial goes on when its request has ended, for one to come
}

// Host is the Host that a request, a *sonde.Request, sets instead of its URL's; ""
// if it sets none. Package sonde sets it.
var Host func(request any) string

// Call is one round trip. Whoever makes it may use it again after Reset.
type Call struct {
	Request
	Response

	Index [64]message.Span // memory for the response's fields
	Buf   []byte           // memory for its text, and for a body that came with it
	Kept  any              // what RoundTrip leaves for the next one
}

// Request is what is sent.
type Request struct {
	Method string
	URL    message.URL // its Origin decides on the connection, its text is for errors and events
	Head   []byte      // request line and fields with the empty line, as HTTP/1 sends them

	Kind    message.BodyKind
	Length  int64                                    // with KnownLength
	Data    []byte                                   // a body in memory; nil: Open
	Open    func() (io.ReadCloser, error)            // opens the body for an attempt; nil: there is none, or Data
	Discard func()                                   // called instead if it was never opened
	Trailer func() (message.Fields, error)           // with UnknownLength, may be nil
	Inform  func(status int, f message.Fields) error // for 1xx responses but 101, may be nil

	Again   bool // the request may be sent again if nothing of it has left
	Replay  bool // and even if the server may have acted on it
	Apart   bool // the head leaves at once, and the body by itself
	Expect  bool // the head says Expect: 100-continue, and the body waits for it
	Close   bool // the head says Connection: close
	OneShot bool // a connection of its own

	Proxy any // a *sonde.Proxy; nil: none is taken

	// Over is told once that the call, its response's body included, has ended.
	Over interface{ CallOver() }
}

// Response is what came. Its Head borrows Call.Buf, and so does Body.
type Response struct {
	HeadRead message.Head
	Body     []byte               // all of the body, if Exchange is nil
	Exchange any                  // a *sonde.Exchange whose Head is empty: the body is still to be read
	TLS      *tls.ConnectionState // of the connection, the same for all its exchanges; nil: none
}

// Reset keeps the memory alone.
func (c *Call) Reset() {
	c.Request = Request{Head: c.Head[:0]}
	c.Response = Response{}
}
