// Package trace is what a client says it did: one plain Event for every step of
// a request, handed to a Sink.
//
// What lives here: events, reasons, sinks. What does not: anything that does I/O
// for a request, or that decides anything about one.
package trace

import (
	"time"
)

// Kind says which step an Event is about. Steps that take time come in pairs,
// …Start and …Done.
type Kind uint8

// The kinds of events, in the order in which a request meets them.
const (
	CallStart      Kind = iota + 1 // a call begins: Method, URL
	AttemptStart                   // an attempt of the call begins
	AcquireStart                   // a connection is asked of the pool
	DNSStart                       // a name is looked up: Host
	DNSDone                        // Addrs or Err
	ConnectStart                   // one address is tried: Remote
	ConnectDone                    // Remote, Local, or Err
	TLSStart                       // the handshake begins: Host is the server name
	TLSDone                        // Proto is what ALPN chose; TLSVersion, TLSCipher, Resumed, Name is the peer's; or Err
	ConnOpened                     // a new connection is ready: Reason says why a new one
	AcquireDone                    // Conn, Reused, Idle; Reason if it is new; or Err
	FieldWritten                   // one field of it left: Name, Value
	HeadWritten                    // the request head left: Bytes; Value is its first line
	ContinueWait                   // the head left, 100 Continue is awaited
	ContinueDone                   // the wait ended: Status 100, a final status, or 0 for the timeout, or Err
	BodyWritten                    // the request body left: Bytes, or Err
	RequestWritten                 // all of the request left, or Err
	FirstByte                      // the first byte of a response was read
	Informational                  // a 1xx response: Status
	HeadRead                       // the final response head was read: Status, Bytes
	BodyRead                       // the response body ended: Bytes; Err if before its end
	ConnPut                        // the connection went back to the pool
	ConnClosed                     // a connection ended: Reason, and how it did: Err
	Retry                          // an attempt will be repeated, after Wait: Err says why; Status if a response asked for it
	AttemptDone                    // Err if it failed
	CallDone                       // Status or Err
	Redirect                       // a redirect will be followed: Status, URL
	ProxyStart                     // a proxy handshake begins: Host is the proxy, Name the target, "" where it forwards
	ProxyDone                      // Host, Name, or Err
	TrailerRead                    // one field of the trailer section was read: Name, Value
	ProxyChosen                    // the attempt goes through a proxy: Host
	BodyDecoded                    // the response body, decoded, ended: Name has the codings, Bytes; Err if before its end
	Challenge                      // a refusal will be answered with credentials: Status
	RetryRefused                   // an attempt would be repeated, but must not be: Err says why
	Hedge                          // another attempt begins beside those that had no answer within Wait

	lastKind
)

var kindText = [...]string{
	CallStart: "call-start", AttemptStart: "attempt-start", AcquireStart: "acquire-start",
	DNSStart: "dns-start", DNSDone: "dns-done", ConnectStart: "connect-start",
	ConnectDone: "connect-done", TLSStart: "tls-start", TLSDone: "tls-done",
	ConnOpened: "conn-opened", AcquireDone: "acquire-done", HeadWritten: "head-written", FieldWritten: "field-written",
	ContinueWait: "continue-wait", ContinueDone: "continue-done", BodyWritten: "body-written", RequestWritten: "request-written",
	FirstByte: "first-byte", Informational: "informational", HeadRead: "head-read",
	BodyRead: "body-read", ConnPut: "conn-put", ConnClosed: "conn-closed", Retry: "retry",
	AttemptDone: "attempt-done", CallDone: "call-done", Redirect: "redirect",
	ProxyStart: "proxy-start", ProxyDone: "proxy-done", TrailerRead: "trailer-read",
	BodyDecoded: "body-decoded",
	ProxyChosen: "proxy-chosen", Challenge: "challenge",
	RetryRefused: "retry-refused", Hedge: "hedge",
}

// String is the kind's name, such as "connect-start".
func (k Kind) String() string {
	if k > 0 && k < lastKind {
		return kindText[k]
	}
	return "unknown"
}

// MarshalText gives String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Event is one step of a request or of a connection. It is a plain value: a
// sink may keep it. Fields that do not apply are zero; the Kind constants say
// which do. It carries no secret: URLs come without credentials.
//
// What a call has many times is in the Event itself, which is small because it is
// copied for each step; what comes once in a while is in its Detail, and methods of
// the same names read it.
type Event struct {
	Kind   Kind
	Reason Reason // why a connection was opened or ended
	Reused bool   // AcquireDone: the connection had been in the pool

	Status  int
	Attempt int       // counts attempts of the call from 1
	Call    uint64    // counts calls in this process from 1; 0: no call, as for idle connections
	Conn    uint64    // counts connections in this process from 1; 0: none yet
	Time    time.Time // with the monotonic clock

	Bytes int64
	Idle  time.Duration // AcquireDone: how long a reused connection was idle
	Err   error

	// Detail may be nil, and is shared with other events: read it, by the methods
	// below, and to change something give the Event a Detail of its own.
	Detail *Detail
}

// Sink takes events. Record is called from the goroutine that does the work,
// possibly from several at once, and must neither block nor call the client.
type Sink interface{ Record(Event) }

// FieldSink is a Sink that may do without the events of single fields,
// FieldWritten and TrailerRead, which cost the most where requests are small. Any
// other Sink gets them. One that does without may get them all the same, where a
// hook or a sink beside it wants them.
type FieldSink interface {
	Sink
	// WantsFields is asked for each head; its answer must not change.
	WantsFields() bool
}

// SinkFunc is a func that is a Sink.
type SinkFunc func(Event)

// Record calls f.
func (f SinkFunc) Record(e Event) { f(e) }
