package message

// BodyKind says what is known of a request's body.
type BodyKind uint8

// The kinds of a request's body.
const (
	NoBody        BodyKind = iota // none
	KnownLength                   // exactly Request.Length bytes, which may be 0
	UnknownLength                 // ends when its reader does
)

// Request is what a protocol sends. The client fills it in, checked; a protocol
// only reads it.
type Request struct {
	Method    string
	Scheme    string
	Authority string // value of Host and :authority; "" sends none
	Target    string // in the form that the caller chose: origin, absolute, authority or "*"

	Fields   Fields // the request's own
	Defaults string // further ready lines "Name: value\r\n" of the client; they repeat no name of Fields

	Body   BodyKind
	Length int64 // with KnownLength

	Uploads any // h1.Uploads(), where there may be a body that does not leave with the head

	Close   bool   // say Connection: close
	Expect  bool   // say Expect: 100-continue
	Insist  bool   // with Expect: a final response instead of 100 Continue does not keep the body back
	Trailer string // names to announce in a Trailer field; "" none

	// Unalerted takes a body under TLS that ends with its connection, and without an
	// alert, for complete, as net/http does.
	Unalerted bool

	// Exact sends Fields alone, in their order and case: no Defaults, and of the
	// codec's fields only what the message needs, where Fields lacks it.
	Exact bool
}
