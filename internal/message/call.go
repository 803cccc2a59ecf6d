package message

import (
	"context"
	"io"
	"net"
	"os"
	"time"

	"sonde/internal/event"
	"sonde/trace"
)

// Carrier is a live connection that carries exchanges, whatever its protocol.
type Carrier interface {
	// RoundTrip, under a ctx that is nil if it cannot end, sends call's request and reads the head of the final response
	// into call.Head. It runs on the caller's goroutine. After an error (always a
	// *fault.Fault) the exchange is over; otherwise the Stream must be finished.
	// It closes call.Body.Reader exactly once, at the latest when its last
	// goroutine ends.
	RoundTrip(ctx context.Context, call *Call) (Stream, error)
}

// Stream is the response body of an exchange under way.
type Stream interface {
	io.Reader   // io.EOF comes with or after the last byte
	io.WriterTo // to the body's end
	// Done reports whether the body was read to its end.
	Done() bool
	// Watch makes the end of the context end the exchange at once, even while
	// nobody reads.
	Watch()
	// Left is how many bytes of the body are left, -1 if unknown.
	Left() int64
	// Received is how many bytes of the body have come, without framing.
	Received() int64
	// Trailer is the trailer section, once the body is done.
	Trailer() Fields
	// Whole is the body if all of it has come already and none of it was read:
	// then it is done. It is valid until Finish; with Call.Buf, as long as *Buf;
	// with Call.Keep it is the caller's.
	Whole() ([]byte, bool)
	// Drain reads the rest where that is cheap: at most max bytes, all known to
	// come, until the reading of the clock is reached (0: no bound). It reports
	// whether the body is done.
	Drain(max, until int64) bool
	// Finish ends the exchange. With NoReason the connection is kept if the
	// protocol allows; what it returns is why the connection has ended, NoReason
	// if it can be used again, and for how long the server keeps it idle (0:
	// unknown). The Stream must not be used afterwards.
	Finish(trace.Reason) (trace.Reason, time.Duration)
	// Hijack ends the exchange but not the connection, which is the caller's from
	// now on, with the bytes that were read beyond the head. It is false, and the
	// connection as before, where the context has ended the call.
	Hijack() (net.Conn, []byte, bool)
	// Abort ends reads and writes at once; from any goroutine. Finish is still due.
	Abort()
}

// Body is the body of one request, opened for one attempt. At most one of Bytes
// and Reader is set; the length is Request's.
type Body struct {
	Bytes   []byte
	Reader  io.ReadCloser
	Stays   bool                   // closing Reader wakes no Read of it: it must be over before
	File    *os.File               // what Reader reads, if that is a file, for sendfile
	Trailer func() (Fields, error) // after the body's end, may be nil
	Apart   bool                   // the head does not wait for the body's first bytes, and a file goes by sendfile however small
}

// Limits bounds what a peer chooses. The zero value of a field is no bound.
type Limits struct {
	Head          int // bytes of a response head, and of a trailer section
	Fields        int // number of fields in it
	Informational int // number of 1xx responses
}

// Timeouts of phases; 0 is none.
type Timeouts struct {
	FirstByte time.Duration // from the end of the request to the response head
	BodyIdle  time.Duration // between two reads of the response
	Continue  time.Duration // wait for 100 Continue
}

// Call is one attempt as the client hands it to a Carrier. The client owns it;
// a Carrier does not keep it beyond Stream.Finish.
type Call struct {
	Request  *Request
	Rendered []byte // Request as HTTP/1 sends it, if that is known already
	Words    *Words // of the head, for events; nil: they have to be made
	Body     Body
	Limits   Limits
	Timeouts Timeouts
	Until    int64 // end of the whole call, a reading of the clock; 0: none
	Now      int64 // a recent reading of the clock
	Log      *event.Log

	// Informational is called for each 1xx response but 101; an error ends the
	// call with that error. Nil: they are passed over.
	Informational func(*Head) error

	// Kept is what a Carrier keeps with the Call from one exchange to the next.
	Kept any

	// Head is where the response head goes. If Buf is nil its text is its own;
	// otherwise it borrows *Buf, which is grown, or exchanged for another buffer,
	// as needed.
	Head *Head
	Buf  *[]byte
	Keep bool // without Buf: what Whole gives is to be the caller's own

	// Sent and FirstByte are readings of the clock: when the request had left
	// (0: not yet) and when the first byte of the final answer came.
	Sent, FirstByte int64
	// Told is when the last event of the response happened; 0: nobody listens.
	Told int64
}
