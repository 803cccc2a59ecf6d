package h1_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

// outcome is what a client makes of the bytes that a server sent.
type outcome struct {
	method string
	status int
	fields [][2]string
	body   string
	err    error
}

func (o outcome) String() string {
	if o.err != nil {
		return "error: " + o.err.Error()
	}
	return fmt.Sprintf("%d %q %q", o.status, o.fields, o.body)
}

// sondeReads is our side.
func sondeReads(method string, in []byte) outcome {
	in = bytes.Clone(in)
	var h message.Head
	n, _, err := h1.ParseHead(in, 0, &h, h1.Limits{})
	if err != nil || n == 0 {
		return outcome{err: errors.Join(err, io.ErrUnexpectedEOF)}
	}
	h.Detach()
	o := outcome{method: method, status: h.Status}
	for name, value := range h.Fields.All() {
		o.fields = append(o.fields, [2]string{name, value})
	}
	framing, err := h1.ResponseFraming(method, &h)
	if err != nil {
		return outcome{err: err}
	}
	rest := in[n:]
	switch framing.Kind {
	case h1.Length:
		if framing.Length > int64(len(rest)) {
			return outcome{err: io.ErrUnexpectedEOF}
		}
		rest = rest[:framing.Length]
	case h1.ChunkedBody:
		var c h1.Chunked
		c.Reset(0, 0)
		rest, _, err = dechunk(&c, rest, len(rest)+1)
		if err == nil && !c.Done {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return outcome{err: err}
		}
	case h1.None:
		rest = nil
	}
	o.body = string(rest)
	return o
}

// goReads is net/http's side.
func goReads(method string, in []byte) outcome {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: method})
	if err != nil {
		return outcome{err: err}
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return outcome{err: err}
	}
	o := outcome{status: resp.StatusCode, body: string(body)}
	for name, values := range resp.Header {
		for _, value := range values {
			o.fields = append(o.fields, [2]string{name, value})
		}
	}
	return o
}

// rewritten are the fields that net/http takes out of a header or rewrites; it
// makes Cache-Control of Pragma.
var rewritten = regexp.MustCompile(`(?i)^(content-length|transfer-encoding|trailer|connection|cache-control)$`)

// same says whether two outcomes are one. obs-fold may become any number of
// spaces.
func same(a, b outcome) bool {
	if a.err != nil || b.err != nil {
		return a.err != nil && b.err != nil
	}
	if a.status != b.status || a.body != b.body {
		return false
	}
	count := map[string]int{}
	for sign, o := range map[int]outcome{1: a, -1: b} {
		for _, field := range o.fields {
			if !rewritten.MatchString(field[0]) {
				count[strings.ToLower(field[0])+":"+strings.Join(strings.Fields(field[1]), " ")] += sign
			}
		}
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// difference is a kind of input on which we differ from net/http, knowingly.
type difference struct {
	name    string
	example string
	accept  func(in string, ours, theirs outcome) bool
	why     string
}

// ourError is a difference: we give that error, net/http none.
func ourError(name, text, example, why string) difference {
	return difference{name, example, func(_ string, ours, theirs outcome) bool {
		return ours.err != nil && theirs.err == nil && strings.Contains(ours.err.Error(), text)
	}, why}
}

// theirError is a difference: net/http gives that error, we none, and when says
// that we have a reason.
func theirError(name, text, example string, when func(ours outcome) bool, why string) difference {
	return difference{name, example, func(_ string, ours, theirs outcome) bool {
		return ours.err == nil && theirs.err != nil && strings.Contains(theirs.err.Error(), text) && when(ours)
	}, why}
}

// has says whether a field's value matches.
func (o outcome) has(name, value string) bool {
	for _, field := range o.fields {
		if strings.EqualFold(field[0], name) && regexp.MustCompile(value).MatchString(field[1]) {
			return true
		}
	}
	return false
}

// bodiless is rule 1 of RFC 9112, section 6.3.
func (o outcome) bodiless() bool {
	return o.method == "HEAD" || o.status < 200 || o.status == 204 || o.status == 304
}

// unframed says that Content-Length does not frame the body.
func (o outcome) unframed() bool { return o.bodiless() || o.has("Transfer-Encoding", "") }

var coded10 = regexp.MustCompile(`(?is)^HTTP/1\.0.*\ntransfer-encoding:`)

var differences = []difference{
	ourError("whitespace before a colon", "whitespace between a field's name",
		"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", "net/http keeps the field under a name that nothing looks up; RFC 9112 §5.1 forbids it"),
	ourError("a space in a name", "byte 0x20 in a field's name",
		"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "the same; RFC 9110 §5.1: a name is a token"),
	ourError("a status below 100", "not a status code of three digits",
		"HTTP/1.1 099 OK\r\n\r\n", "net/http takes any three characters that are a number; RFC 9110 §15"),
	ourError("another major version", "not version 1",
		"HTTP/3.1 200 OK\r\n\r\n", "net/http takes any; an answer to HTTP/1.1 has major version 1 (RFC 9110 §2.5)"),
	ourError("a control byte in a reason phrase", "in the reason phrase",
		"HTTP/1.1 200 O\x01K\r\n\r\n", "net/http looks at no byte of it; RFC 9112 §4"),
	ourError("a control byte in a chunk extension", "does not belong in the line of a chunk size",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;\x00\r\na\r\n0\r\n\r\n", "net/http looks at no byte of it but CR and LF; RFC 9112 §7.1.1"),
	{"a transfer coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		func(in string, _, _ outcome) bool { return coded10.MatchString(in) },
		"net/http takes no notice of it and hands out the chunks' framing as data; RFC 9112 §6.1: faulty framing, the connection ends"},
	theirError("a list of identical lengths", "bad Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
		func(ours outcome) bool { return ours.has("Content-Length", ",") }, "RFC 9110 §8.6 lets a recipient take it; net/http does where they stand in lines of their own"),
	theirError("a wrong length that frames nothing", "Content-Length", "HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n",
		outcome.unframed, "RFC 9112 §6.3: rules 1 and 3 come before the length; with a coding the connection ends"),
	theirError("a coding that frames nothing", "transfer encoding", "HTTP/1.1 304 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		outcome.bodiless, "RFC 9112 §6.3: rule 1 comes before the coding"),
	theirError("identity", "transfer encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
		func(ours outcome) bool { return ours.has("Transfer-Encoding", "(?i)identity") }, "docs/leniency.md: old servers say so and mean nothing"),
	theirError("empty list members", "unsupported transfer encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
		func(ours outcome) bool { return ours.has("Transfer-Encoding", "(^|,)[ \t]*(,|$)") }, "RFC 9110 §5.6.1.2: a recipient passes over empty members"),
	theirError("coding in several lines", "too many transfer encodings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		func(outcome) bool { return true }, "RFC 9110 §5.3: several lines are one list"),
	theirError("announced trailers that must not be", "bad trailer key", "HTTP/1.1 200 OK\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		func(outcome) bool { return true }, "trailers are kept apart from the header and frame nothing, whatever their names"),
}

// TestDifferences reads the example of each difference, so that none outlives
// its cause.
func TestDifferences(t *testing.T) {
	for _, d := range differences {
		ours, theirs := sondeReads("GET", []byte(d.example)), goReads("GET", []byte(d.example))
		if same(ours, theirs) || !d.accept(d.example, ours, theirs) {
			t.Errorf("%s: %q\nours:     %v\nnet/http: %v", d.name, d.example, ours, theirs)
		}
		if d.why == "" {
			t.Errorf("%s: no reason", d.name)
		}
	}
}

func FuzzDifferential(f *testing.F) {
	for _, d := range differences {
		f.Add(d.example, false)
	}
	for _, s := range []string{
		string(benchHead(6)) + strings.Repeat("x", 200),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\nrest",
		"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\n\nhello",
		"HTTP/1.0 200\r\nA: b\r\n c\r\n\r\nbody",
		"HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, in string, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		ours, theirs := sondeReads(method, []byte(in)), goReads(method, []byte(in))
		if same(ours, theirs) {
			return
		}
		for _, d := range differences {
			if d.accept(in, ours, theirs) {
				return
			}
		}
		t.Errorf("%s %q\nours:     %v\nnet/http: %v", method, in, ours, theirs)
	})
}
