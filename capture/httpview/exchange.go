package httpview

import (
	"net/netip"
	"strings"
	"time"

	"sonde/capture/tlsplain"
)

// Exchange is one request and its response. It belongs to who receives it.
type Exchange struct {
	// Conn is the connection's number in the capture, from 0 on: flow.Conn.N, and
	// Wireshark's tcp.stream. Request is the request's number on the connection,
	// from 1 on. Stream is its stream on HTTP/2, 0 on HTTP/1.
	Conn    int
	Request int
	Stream  uint32

	Client, Server netip.AddrPort

	// Proto is "HTTP/1.0", "HTTP/1.1" or "HTTP/2", of the request if it was seen.
	Proto string
	// ResponseProto is what the status line says, on HTTP/1 only.
	ResponseProto string
	// TLS is what is known of the TLS connection around, nil if there is none.
	TLS *tlsplain.Info

	// Method is empty if the request was not captured. Target is what the request
	// line or :path says, Host what Host or :authority says.
	Method, Target, Host string
	// Status is zero if there was no response, or none was captured.
	Status int
	Reason string // HTTP/1 only
	// Informational are the statuses of 1xx responses before the final one.
	Informational []int

	RequestHeader, ResponseHeader   []Field
	RequestTrailer, ResponseTrailer []Field

	// The sizes, in bytes. A head's is that on the wire: compressed on HTTP/2. A
	// body's is without the framing around it.
	RequestHead, RequestBody   int64
	ResponseHead, ResponseBody int64

	// The times of the packets that brought the first byte of the request, its last
	// one, the first byte of the final response, and its last one, in nanoseconds
	// since the epoch; zero for what was not seen.
	Start, Sent, FirstByte, End int64

	// Pushed says that the server made up the request (HTTP/2 server push).
	Pushed bool

	// Missing is how many bytes of the bodies are not in the capture.
	Missing int64
	// Problem says in a few words why the exchange is not complete, or odd. Empty is
	// a complete one.
	Problem string

	sent, received bool // both messages are over
	hasFinal       bool // the final response's head was seen
	emitted        bool
	cost           int // what keeping it costs, as View counts
}

// Field is a header field. On HTTP/2 those that begin with a colon are left out.
type Field struct{ Name, Value string }

// Get returns the value of the first field with that name, in any case, or "".
func Get(fields []Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// TimeToFirstByte is the time from the first byte of the request to the first
// one of the final response. It reports whether both were seen.
func (x *Exchange) TimeToFirstByte() (time.Duration, bool) {
	return time.Duration(x.FirstByte - x.Start), x.Start != 0 && x.FirstByte != 0
}

// At is when the first byte of the exchange came that was captured.
func (x *Exchange) At() int64 {
	if x.Start == 0 {
		return x.FirstByte
	}
	return x.Start
}

// Duration is the time from the first byte of the request to the last one of the
// response. It reports whether both were seen.
func (x *Exchange) Duration() (time.Duration, bool) {
	return time.Duration(x.End - x.Start), x.Start != 0 && x.End != 0
}

// URL returns what was asked for, as far as it is known: the target alone if it
// is a URL itself, or not a path.
func (x *Exchange) URL() string {
	if !strings.HasPrefix(x.Target, "/") || x.Host == "" {
		return x.Target
	}
	if x.TLS != nil {
		return "https://" + x.Host + x.Target
	}
	return "http://" + x.Host + x.Target
}

// problem notes the first thing that is wrong.
func (x *Exchange) problem(s string) {
	if x.Problem == "" {
		x.Problem = s
	}
}

// Unread is a TLS connection in which no request could be read.
type Unread struct {
	Conn           int
	Client, Server netip.AddrPort
	First, Last    int64
	TLS            *tlsplain.Info
}
