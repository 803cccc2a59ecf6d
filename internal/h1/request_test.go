package h1_test

import (
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

// request makes a request of fields "Name", "value", …
func request(change func(*message.Request), fields ...string) *message.Request {
	r := &message.Request{Method: "GET", Scheme: "http", Authority: "example.com", Target: "/x"}
	for i := 0; i < len(fields); i += 2 {
		if err := r.Fields.Add(fields[i], fields[i+1]); err != nil {
			panic(err)
		}
	}
	if change != nil {
		change(r)
	}
	return r
}

func TestAppendRequest(t *testing.T) {
	type R = message.Request
	for _, c := range []struct {
		name string
		r    *R
		want string
	}{
		{"smallest", request(nil), "GET /x HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"asterisk-form", request(func(r *R) { r.Method, r.Target = "OPTIONS", "*" }), "OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"authority-form", request(func(r *R) { r.Method, r.Target, r.Authority = "CONNECT", "a:443", "a:443" }),
			"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"},
		{"absolute-form", request(func(r *R) { r.Target = "http://example.com/x" }), "GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"fields, then defaults", request(func(r *R) { r.Defaults = "User-Agent: s\r\n" }, "b", "1", "A", "2"),
			"GET /x HTTP/1.1\r\nHost: example.com\r\nb: 1\r\nA: 2\r\nUser-Agent: s\r\n\r\n"},
		{"known length", request(func(r *R) { r.Method, r.Body, r.Length = "PUT", message.KnownLength, 7 }),
			"PUT /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 7\r\n\r\n"},
		{"known length 0", request(func(r *R) { r.Body = message.KnownLength }), "GET /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n"},
		{"POST without a body", request(func(r *R) { r.Method = "POST" }), "POST /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n"},
		{"unknown length", request(func(r *R) { r.Method, r.Body, r.Trailer = "POST", message.UnknownLength, "X-Sum" }),
			"POST /x HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"},
		{"expect and close", request(func(r *R) {
			r.Method, r.Body, r.Length, r.Expect, r.Close = "PUT", message.KnownLength, 1, true, true
		}), "PUT /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"},
		// RFC 9110, section 10.1.1: not without content.
		{"expect without a body", request(func(r *R) { r.Expect = true }), "GET /x HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"nothing twice", request(func(r *R) {
			r.Method, r.Body, r.Expect, r.Close, r.Trailer = "POST", message.UnknownLength, true, true, "A"
		}, "host", "h", "transfer-encoding", "chunked", "trailer", "A", "expect", "100-continue", "connection", "close"),
			"POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ntrailer: A\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"},
		{"a length set by hand", request(func(r *R) { r.Method, r.Body, r.Length = "POST", message.KnownLength, 3 }, "Content-Length", "3"),
			"POST /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\n"},
		{"close beside another option", request(func(r *R) { r.Close = true }, "Connection", "upgrade"),
			"GET /x HTTP/1.1\r\nHost: example.com\r\nConnection: upgrade\r\nConnection: close\r\n\r\n"},
		{"exact", request(func(r *R) { r.Method, r.Defaults, r.Exact = "POST", "User-Agent: s\r\n", true }, "z", "1", "HOST", "h", "a", "2"),
			"POST /x HTTP/1.1\r\nz: 1\r\nHOST: h\r\na: 2\r\n\r\n"},
		{"exact, with a body", request(func(r *R) { r.Method, r.Body, r.Length, r.Exact = "POST", message.KnownLength, 2, true }, "z", "1"),
			"POST /x HTTP/1.1\r\nHost: example.com\r\nz: 1\r\nContent-Length: 2\r\n\r\n"},
		{"no host", request(func(r *R) { r.Authority = "" }), "GET /x HTTP/1.1\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(h1.AppendRequest([]byte(">"), c.r)); got != ">"+c.want {
				t.Errorf("got  %q\nwant %q", got[1:], c.want)
			}
			if err := h1.CheckRequest(c.r); err != nil {
				t.Errorf("CheckRequest: %v", err)
			}
		})
	}
}

func TestCheckRequest(t *testing.T) {
	type R = message.Request
	unknown := func(r *R) { r.Method, r.Body = "POST", message.UnknownLength }
	known := func(r *R) { r.Method, r.Body, r.Length = "POST", message.KnownLength, 5 }
	for _, c := range []struct {
		r    *R
		want string
	}{
		{request(func(r *R) { r.Method = "GE T" }), `the method "GE T" is not a token`},
		{request(func(r *R) { r.Target = "/a b" }), "a space in the request target: write %20"},
		{request(func(r *R) { r.Target = "/ HTTP/1.1\r\nX: y" }), "a space in the request target: write %20"},
		{request(func(r *R) { r.Authority = "a\r\nX: y" }), "byte 0x0d in the host"},
		{request(nil, "Host", "a", "host", "a"), "more than one Host"},
		{request(func(r *R) { r.Method, r.Body = "TRACE", message.KnownLength }), "a TRACE request cannot have a body"},
		{request(func(r *R) { r.Method, r.Target, r.Body = "CONNECT", "a:443", message.UnknownLength }), "a CONNECT request cannot have a body"},
		{request(unknown, "Transfer-Encoding", "chunked", "Content-Length", "5"), "both Content-Length and Transfer-Encoding are set"},
		{request(unknown, "Transfer-Encoding", "gzip, chunked"), "Transfer-Encoding is set: it can only be chunked, with a body of unknown length"},
		{request(unknown, "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"), "Transfer-Encoding is set: it can only be chunked, with a body of unknown length"},
		{request(known, "Transfer-Encoding", "chunked"), "Transfer-Encoding is set: it can only be chunked, with a body of unknown length"},
		{request(unknown, "Content-Length", "5"), "Content-Length is set, but the body's length is unknown"},
		{request(known, "Content-Length", "6"), "Content-Length is set to 6, the body has 5 bytes"},
		{request(known, "Content-Length", "5", "Content-Length", "5"), "Content-Length is set to 5, the body has 5 bytes"},
		{request(known, "Content-Length", "+5"), `not a Content-Length: "+5"`},
		{request(nil, "Content-Length", "5"), "Content-Length is set to 5, the body has 0 bytes"},
		{request(nil, "Content-Length", "0"), ""},
		{request(func(r *R) { r.Body, r.Length = message.KnownLength, -1 }), "the body's length is -1"},
		{request(func(r *R) { unknown(r); r.Trailer = "A, Content-Length" }), "the field Content-Length may not be sent as a trailer"},
		{request(func(r *R) { unknown(r); r.Trailer = "A\r\nX" }), `byte 0x0d in the field name "A\r\nX"`},
		{request(func(r *R) { known(r); r.Trailer = "A" }), "a trailer needs a body of unknown length"},
	} {
		err := h1.CheckRequest(c.r)
		if err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("%q: %v, want %s", h1.AppendRequest(nil, c.r), err, c.want)
		}
	}
}

func TestAppendRequestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := benchRequest()
	r.Body, r.Length, r.Expect, r.Close = message.KnownLength, 5, true, true
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		buf = h1.AppendRequest(buf[:0], r)
		if err := h1.CheckRequest(r); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
