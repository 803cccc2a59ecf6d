package h1

import (
	"strings"

	"sonde/internal/message"
)

const (
	transferEncoding  = "Transfer-Encoding"
	contentLengthName = "Content-Length"
)

// FramingKind says how the end of a body is found.
type FramingKind uint8

// The kinds of framing.
const (
	None        FramingKind = iota // there is no body
	Length                         // after Framing.Length bytes
	ChunkedBody                    // by the chunked coding
	UntilClose                     // when the connection ends
)

var kindText = [...]string{"none", "length", "chunked", "until close"}

// String is a short lower-case text.
func (k FramingKind) String() string { return kindText[k] }

// Framing is how the body of a response is framed.
type Framing struct {
	Kind   FramingKind
	Length int64 // with kind Length
	// Ambiguous says that another reader could see another end of the body: the
	// connection must not carry anything after it.
	Ambiguous bool
}

// ResponseFraming decides how the body of the response h to a request with that
// method is framed, by the rules of RFC 9112, section 6.3, in their order. Every
// error is a *message.Malformed.
func ResponseFraming(method string, h *message.Head) (Framing, error) {
	switch {
	// Rule 1: no body, whatever the fields say.
	case method == "HEAD", h.Status < 200, h.Status == 304:
		return Framing{Kind: None}, nil
	case h.Status == 204:
		// RFC 9110 §8.6 and RFC 9112 §6.1: never with a length or a coding. A
		// server that announces a body may send one, late: take no risk.
		length := h.Fields.Has(contentLengthName) && !h.Fields.Is(contentLengthName, "0")
		return Framing{Kind: None, Ambiguous: length || h.Fields.Has(transferEncoding)}, nil
	// Rule 2: a tunnel begins right after the head.
	case method == "CONNECT" && h.Status < 300:
		return Framing{Kind: None}, nil
	}
	if h.Fields.Has(transferEncoding) {
		return transferFraming(h)
	}
	length, ok, err := contentLength(&h.Fields)
	switch {
	// Rule 5: an invalid length cannot be recovered from.
	case err != nil:
		return Framing{}, err
	// Rule 6.
	case ok:
		return Framing{Kind: Length, Length: length}, nil
	}
	// Rule 8.
	return Framing{Kind: UntilClose}, nil
}

// transferFraming is the framing of a response with Transfer-Encoding.
func transferFraming(h *message.Head) (Framing, error) {
	last, err := finalCoding(&h.Fields)
	if err != nil {
		return Framing{}, err
	}
	// Rule 4: chunked as the final coding frames the body; otherwise the
	// connection's end does.
	f := Framing{Kind: UntilClose}
	if last == chunkedCoding {
		f.Kind = ChunkedBody
	}
	// Rule 3: Transfer-Encoding overrides Content-Length, and such a message may
	// be an attempt at smuggling.
	// RFC 9112 §6.1: in an HTTP/1.0 message the framing is faulty; the connection
	// ends with it.
	f.Ambiguous = h.Fields.Has(contentLengthName) || h.Minor == 0
	return f, nil
}

type coding uint8

const (
	noCoding coding = iota
	chunkedCoding
	identityCoding
)

// finalCoding reads the transfer codings of all lines as one list. We asked for
// none (no TE), so any but chunked is one that we cannot decode.
func finalCoding(f *message.Fields) (last coding, err error) {
	chunks := 0
	for i := f.Index(transferEncoding, 0); i >= 0; i = f.Index(transferEncoding, i+1) {
		_, list := f.Peek(i)
		for list != "" {
			var member string
			switch member, list = message.CutMember(list); {
			case message.EqualFold(member, "chunked"):
				last = chunkedCoding
				chunks++
			case message.EqualFold(member, "identity"):
				if chunks > 0 {
					// RFC 9112 §6.3 rule 4 would have all up to the end of the
					// connection, but that is chunks, whose framing is no data.
					return 0, message.NewMalformed("a transfer coding after chunked", member)
				}
				last = identityCoding
			case member != "":
				return 0, message.NewMalformed("a transfer coding that is not understood", member)
			}
		}
	}
	switch {
	// RFC 9112 §6.1: chunked must not be applied more than once.
	case chunks > 1:
		return 0, &message.Malformed{What: "the chunked transfer coding twice"}
	case last == noCoding:
		return 0, &message.Malformed{What: "Transfer-Encoding without a coding"}
	}
	return last, nil
}

// contentLength reads Content-Length. RFC 9110 §8.6: a list of identical valid
// values, in one line or in several, stands for one of them; anything else is
// invalid.
func contentLength(f *message.Fields) (n int64, ok bool, err error) {
	at, alone := f.Only(contentLengthName)
	if at < 0 {
		return 0, false, nil
	}
	// Nearly always it is one line of digits: 53 ns become 25.
	if _, value := f.Peek(at); alone {
		if n, ok = message.ParseDigits(value); ok {
			return n, true, nil
		}
	}
	first := ""
	for i := at; i >= 0; i = f.Index(contentLengthName, i+1) {
		_, list := f.Peek(i)
		for more := true; more; {
			var value string
			value, list, more = strings.Cut(list, ",")
			value = message.TrimOWS(value)
			switch {
			case ok && value != first:
				return 0, false, message.NewMalformed("different values of Content-Length", first+" and "+value)
			case ok:
				continue
			}
			if n, ok = message.ParseDigits(value); !ok {
				return 0, false, message.NewMalformed("not a Content-Length", value)
			}
			first = value
		}
	}
	return n, ok, nil
}
