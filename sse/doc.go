// Package sse reads event streams, text/event-stream, as the HTML standard of the
// WHATWG says (section 9.2, server-sent events). A Decoder and Read take a stream
// apart; a Source asks for one and asks again when it ends.
package sse
