package h1

import (
	"errors"
	"fmt"
	"strconv"

	"sonde/internal/message"
)

// AppendRequest appends the head of r, with the empty line: the request line,
// Host, the fields of r, the defaults, and the fields that frame the body. A
// field of the codec's that r.Fields has already is not sent again.
//
// It checks nothing: see CheckRequest.
func AppendRequest(dst []byte, r *message.Request) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	has := ownFields(&r.Fields)
	// RFC 9110 §7.2: Host should be the first field.
	if r.Authority != "" && has&hasHost == 0 {
		dst = appendField(dst, "Host: ", r.Authority)
	}
	dst = r.Fields.AppendLines(dst)
	if !r.Exact {
		dst = append(dst, r.Defaults...)
	}
	dst = appendFraming(dst, r, has)
	if r.Expect && r.Body != message.NoBody && has&hasExpect == 0 {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	if r.Close && (has&hasConnection == 0 || !r.Fields.HasToken("Connection", "close")) {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendFraming appends what says where the body ends (RFC 9112, section 6.3).
func appendFraming(dst []byte, r *message.Request, has ownField) []byte {
	if has&(hasLength|hasCoding) == 0 {
		switch {
		case r.Body == message.UnknownLength:
			dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
		case r.Body == message.KnownLength:
			dst = append(dst, "Content-Length: "...)
			dst = strconv.AppendInt(dst, r.Length, 10)
			dst = append(dst, "\r\n"...)
		// RFC 9110 §8.6: a request without content says so where its method
		// leads to expect some.
		case !r.Exact && (r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH"):
			dst = append(dst, "Content-Length: 0\r\n"...)
		}
	}
	if r.Trailer != "" && r.Body == message.UnknownLength && has&hasTrailer == 0 {
		dst = appendField(dst, "Trailer: ", r.Trailer)
	}
	return dst
}

func appendField(dst []byte, prefix, value string) []byte {
	dst = append(dst, prefix...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// ownField is a set of the fields that the codec writes by itself.
type ownField uint8

const (
	hasHost ownField = 1 << iota
	hasExpect
	hasTrailer
	hasConnection
	hasLength
	hasCoding
)

// ownFields is the set of those in f.
func ownFields(f *message.Fields) (has ownField) {
	for i := range f.Len() {
		name, _ := f.Peek(i)
		// The lengths differ, so that most fields cost one comparison.
		switch len(name) {
		case len("Host"):
			has |= hasIf(name, "Host", hasHost)
		case len("Expect"):
			has |= hasIf(name, "Expect", hasExpect)
		case len("Trailer"):
			has |= hasIf(name, "Trailer", hasTrailer)
		case len("Connection"):
			has |= hasIf(name, "Connection", hasConnection)
		case len(contentLengthName):
			has |= hasIf(name, contentLengthName, hasLength)
		case len(transferEncoding):
			has |= hasIf(name, transferEncoding, hasCoding)
		}
	}
	return has
}

func hasIf(name, own string, field ownField) ownField {
	if message.EqualFold(name, own) {
		return field
	}
	return 0
}

// CheckRequest says what keeps r from being sent: a method, target or host with
// bytes that would end it early, or a field set by hand that does not agree with
// the body. Two readings of one request are how requests are smuggled.
func CheckRequest(r *message.Request) error {
	if err := message.CheckMethod(r.Method); err != nil {
		return err
	}
	if err := message.CheckTarget(r.Target); err != nil {
		return err
	}
	if err := message.CheckAuthority(r.Authority); err != nil {
		return err
	}
	if err := checkTrailer(r); err != nil {
		return err
	}
	// RFC 9112 §3.2: one Host, no more.
	if i := r.Fields.Index("Host", 0); i >= 0 && r.Fields.Index("Host", i+1) >= 0 {
		return errors.New("more than one Host")
	}
	// RFC 9110 §9.3.6, §9.3.8: neither has content; what follows the head of a CONNECT
	// is the tunnel's.
	if (r.Method == "CONNECT" || r.Method == "TRACE") && r.Body != message.NoBody {
		return errors.New("a " + r.Method + " request cannot have a body")
	}
	return checkFraming(r)
}

// checkTrailer checks the names announced.
func checkTrailer(r *message.Request) error {
	if r.Trailer == "" {
		return nil
	}
	if r.Body != message.UnknownLength {
		return errors.New("a trailer needs a body of unknown length")
	}
	for list := r.Trailer; list != ""; {
		var name string
		name, list = message.CutMember(list)
		if err := message.CheckTrailer(name); err != nil {
			return err
		}
	}
	return nil
}

// checkFraming compares framing fields set by hand with the body.
func checkFraming(r *message.Request) error {
	if r.Body == message.KnownLength && r.Length < 0 {
		return fmt.Errorf("the body's length is %d", r.Length)
	}
	has := ownFields(&r.Fields)
	switch {
	case has&hasLength != 0 && has&hasCoding != 0:
		// RFC 9112 §6.2: never both.
		return errors.New("both Content-Length and Transfer-Encoding are set")
	case has&hasCoding != 0:
		if r.Body != message.UnknownLength || !r.Fields.IsFold(transferEncoding, "chunked") {
			return errors.New("Transfer-Encoding is set: it can only be chunked, with a body of unknown length")
		}
	case has&hasLength != 0:
		want := int64(0)
		switch r.Body {
		case message.UnknownLength:
			return errors.New("Content-Length is set, but the body's length is unknown")
		case message.KnownLength:
			want = r.Length
		}
		n, _, err := contentLength(&r.Fields)
		if err != nil {
			return err
		}
		if i := r.Fields.Index(contentLengthName, 0); n != want || r.Fields.Index(contentLengthName, i+1) >= 0 {
			return fmt.Errorf("Content-Length is set to %d, the body has %d bytes", n, want)
		}
	}
	return nil
}
