package h1

import (
	"bytes"
	"fmt"

	"sonde/internal/message"
)

// Limits bounds a head. A zero field means its default.
type Limits struct {
	Head   int // bytes of a head, from the status line to the empty line, both counted; 256 KiB
	Fields int // field lines; 1,000
}

const (
	defaultHead   = 256 << 10
	defaultFields = 1000
)

func (l *Limits) fill() {
	if l.Head <= 0 {
		l.Head = defaultHead
	}
	if l.Fields <= 0 {
		l.Fields = defaultFields
	}
}

// ParseHead reads the response head at the start of buf into h, which borrows
// buf and is written over whole. n is the bytes that the head takes. With n == 0
// and no error the head is not complete: call again with more bytes behind the
// same ones and from = next, so that all calls together look at each byte once.
// The first call has from = 0. Every error is a *message.Malformed.
//
// Where it is more lenient than RFC 9112 asks, docs/leniency.md says so.
func ParseHead(buf []byte, from int, h *message.Head, lim Limits) (n, next int, err error) {
	lim.fill()
	window := buf[:min(len(buf), lim.Head)]
	if from == 0 {
		// Nearly always the head is there whole: then one pass does it. It is
		// not tried again, so that bytes that drip in cost no more than once.
		if n, err = parseOpen(window, h, lim.Fields); n > 0 || err != nil {
			return n, n, err
		}
	} else if from < len(httpName) {
		if err := checkStart(buf); err != nil {
			return 0, 0, err
		}
	}
	lines, n := endOfHead(window, from)
	if n == 0 {
		if len(window) == lim.Head {
			return 0, 0, message.NewOver(fmt.Sprintf("a response head of more than %d bytes", lim.Head))
		}
		return 0, len(buf), nil
	}
	if err := parseHead(buf[:lines], h, lim.Fields); err != nil {
		return 0, 0, err
	}
	return n, n, nil
}

// endOfHead looks for the empty line, from from on. lines is where it begins, n
// where it ends; 0, 0 if it is not there.
func endOfHead(buf []byte, from int) (lines, n int) {
	for i := from; ; i++ {
		k := bytes.IndexByte(buf[i:], '\n')
		if k < 0 {
			return 0, 0
		}
		// RFC 9112 §2.2: a single LF may count as a line end.
		i += k
		switch {
		case i >= 1 && buf[i-1] == '\n':
			return i, i + 1
		case i >= 2 && buf[i-1] == '\r' && buf[i-2] == '\n':
			return i - 1, i + 1
		}
	}
}

// parseOpen reads the head at the start of text and says how many bytes it takes,
// 0 if it is not complete.
func parseOpen(text []byte, h *message.Head, maxFields int) (int, error) {
	// Most responses begin so: 220 instructions less of some 4,000 for a small GET.
	if len(text) >= len(okLine) && string(text[:len(okLine)]) == okLine {
		h.Status, h.Major, h.Minor = 200, 1, 1
		return h.ParseOpen(text, len(reasonBefore), len(okLine)-len("\r\n"), len(okLine), maxFields)
	}
	if err := checkStart(text); err != nil {
		return 0, err
	}
	from := bytes.IndexByte(text, '\n') + 1
	if from == 0 {
		return 0, nil
	}
	reason, end, err := statusLine(text[:from-1], h)
	if err != nil {
		return 0, err
	}
	return h.ParseOpen(text, reason, end, from, maxFields)
}

// parseHead reads a head without its empty line.
func parseHead(text []byte, h *message.Head, maxFields int) error {
	from := bytes.IndexByte(text, '\n') + 1
	reason, end, err := statusLine(text[:from-1], h)
	if err != nil {
		return err
	}
	return h.Parse(text, reason, end, from, maxFields)
}

// statusLine reads a status line into h, and says where its reason phrase is.
func statusLine(line []byte, h *message.Head) (reason, end int, err error) {
	line = bytes.TrimSuffix(line, cr)
	h.Status = 0
	// RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
	if err := parseVersion(line, h); err != nil {
		return 0, 0, err
	}
	// It may be read with more than one space there: old devices send two.
	status := bytes.TrimLeft(line[len("HTTP/1.1 "):], " ")
	// RFC 9110 §15: a status has three digits, and its class is 1 at least.
	if len(status) < 3 || !isDigit(status[0]) || !isDigit(status[1]) || !isDigit(status[2]) || status[0] == '0' {
		return 0, 0, message.NewMalformed("not a status code of three digits", line)
	}
	h.Status = int(status[0]-'0')*100 + int(status[1]-'0')*10 + int(status[2]-'0')
	if len(status) > 3 {
		if status[3] != ' ' {
			return 0, 0, message.NewMalformed("no space after the status code", line)
		}
		reason, end = len(line)-len(status)+len("200 "), len(line)
		if at := message.InvalidByte(line[reason:]); at >= 0 {
			return 0, 0, &message.Malformed{What: fmt.Sprintf("byte 0x%02x in the reason phrase", line[reason+at])}
		}
	}
	return reason, end, nil
}

const (
	httpName     = "HTTP/"
	reasonBefore = "HTTP/1.1 200 "
	okLine       = "HTTP/1.1 200 OK\r\n"
)

var cr = []byte{'\r'}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseVersion reads "HTTP/1.x " (RFC 9112, section 2.3).
func parseVersion(line []byte, h *message.Head) error {
	if len(line) < len("HTTP/1.1 ") || !isDigit(line[5]) || line[6] != '.' || !isDigit(line[7]) || line[8] != ' ' {
		return message.NewMalformed("not a status line", line)
	}
	h.Major, h.Minor = line[5]-'0', line[7]-'0'
	// RFC 9110 §2.5: a higher minor version is read as the highest one known.
	if h.Major != 1 {
		return message.NewMalformed("not version 1 of HTTP in an answer to an HTTP/1.1 request", line[:8])
	}
	return nil
}

// checkStart says as soon as that is known that what comes is no HTTP.
func checkStart(buf []byte) error {
	k := min(len(buf), len(httpName))
	if string(buf[:k]) == httpName[:k] {
		return nil
	}
	switch {
	case buf[0] == 0x15 || buf[0] == 0x16:
		return message.NewMalformed("a TLS record, not an HTTP response", buf[:min(len(buf), 5)])
	case len(buf) > 3 && string(buf[:2]) == "\x00\x00" && buf[3] == 4:
		return message.NewMalformed("an HTTP/2 frame, not an HTTP/1 response", buf[:4])
	case buf[0] == '\r' || buf[0] == '\n':
		return &message.Malformed{What: "an empty line before the status line"}
	}
	return message.NewMalformed("not an HTTP response", buf)
}
