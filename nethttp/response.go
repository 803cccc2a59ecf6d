package nethttp

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"sonde"
	"sonde/internal/message"
)

// reply is a response and what its body needs, in one piece of memory.
type reply struct {
	http.Response
	whole wholeBody
}

// respond makes an http.Response of what came for req.
func (t *Transport) respond(c *trip, f *flight, req *http.Request, gzip bool) (*http.Response, error) {
	in := &c.call.Response
	h := &in.HeadRead
	r := &reply{}
	resp := &r.Response
	resp.StatusCode, resp.TLS = h.Status, in.TLS
	if resp.TLS != nil && resp.TLS.Version == 0 {
		resp.TLS = nil // of a DialTLS that does not say
	}
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", int(h.Major), int(h.Minor)
	if h.Minor != 1 {
		resp.Proto = "HTTP/1." + strconv.Itoa(int(h.Minor))
	}
	ex, _ := in.Exchange.(*sonde.Exchange)
	if ex != nil {
		t.flights.bodies.add(f)
	}
	body := keep(h, in.Body)
	resp.Status = status(h.Status, h.Reason)
	resp.Header = header(&h.Fields)
	if err := frame(resp, req.Method, h.Fields.MayHave(framing)); err != nil {
		if ex != nil {
			ex.Close()
		}
		return nil, broken(err)
	}
	switch {
	case ex == nil && in.Body == nil:
		resp.Body = http.NoBody
		return resp, nil
	case ex == nil && len(in.Body) == 0:
		resp.Body = http.NoBody
	case ex == nil:
		r.whole.take(body, in.Body, c)
		resp.Body = &r.whole
	case tunnels(req, resp):
		return tunnel(req, resp, ex)
	default:
		b := &liveBody{ex: ex, t: t, over: f}
		if resp.Trailer != nil || len(resp.TransferEncoding) > 0 {
			b.resp = resp
		}
		resp.Body = b
	}
	if gzip {
		decompress(resp)
	}
	return resp, nil
}

// keep makes the text of h its own, with a copy of body in the same memory where
// that is small; otherwise it returns nil.
func keep(h *message.Head, body []byte) []byte {
	if len(body) > ownMemory {
		body = nil
	}
	n := h.Fields.Size()
	own := make([]byte, n+len(body))
	h.CopyInto(own[:0:n])
	copy(own[n:], body)
	return own[n:]
}

// decompress takes off what this package asked for, if that came.
func decompress(resp *http.Response) {
	codings := resp.Header["Content-Encoding"]
	if resp.Body == http.NoBody || len(codings) == 0 || !strings.EqualFold(codings[0], "gzip") {
		return
	}
	delete(resp.Header, "Content-Encoding")
	delete(resp.Header, "Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	resp.Body = &unzipped{body: resp.Body}
}

// tunnels reports whether the connection is the caller's from now on.
func tunnels(req *http.Request, resp *http.Response) bool {
	return resp.StatusCode == http.StatusSwitchingProtocols ||
		req.Method == http.MethodConnect && resp.StatusCode/100 == 2
}

// lines are the texts of statuses with their usual reasons.
var lines = func() (all [600]string) {
	for code := range all {
		if text := http.StatusText(code); text != "" {
			all[code] = strconv.Itoa(code) + " " + text
		}
	}
	return all
}()

func status(code int, reason string) string {
	if code == http.StatusOK && reason == "OK" { // no look at a table that is in no cache
		return "200 OK"
	}
	if code < len(lines) && len(lines[code]) == len(reason)+4 && lines[code][4:] == reason {
		return lines[code]
	}
	return fmt.Sprintf("%03d %s", code, reason)
}

// header is f as a map. All values lie in one slice.
func header(f *message.Fields) http.Header {
	n := f.Len()
	h := make(http.Header, n)
	values := make([]string, n)
	for i := range values {
		name, value := f.Peek(i)
		name = canonical(name)
		values[i] = value
		// Most names come once: it takes no look-up to see that one has not.
		had := len(h)
		h[name] = values[i : i+1 : i+1]
		if len(h) == had {
			h[name] = valuesOf(f, name, i+1)
		}
	}
	return h
}

// valuesOf are those of the first n fields that have that name.
func valuesOf(f *message.Fields, name string, n int) (all []string) {
	for i := range n {
		if raw, value := f.Peek(i); canonical(raw) == name {
			all = append(all, value)
		}
	}
	return all
}

// framing are the names that frame looks for, besides Content-Length.
var framing = message.NamesOf("Connection", "Transfer-Encoding", "Trailer", "Pragma")

// frame takes the framing out of the fields, as http.ReadResponse does. Without
// more there is none of the fields framing.
func frame(resp *http.Response, method string, more bool) error {
	h := resp.Header
	chunked := false
	if resp.Close = resp.ProtoMinor == 0; more {
		chunked = connection(resp)
		fixPragma(h)
	}
	lengths := h["Content-Length"]
	length := int64(-1)
	if len(lengths) > 0 {
		n, err := contentLength(lengths)
		if err != nil {
			return err
		}
		length = n
		if len(lengths) > 1 {
			h["Content-Length"] = lengths[:1:1]
		}
	}
	bodyless := resp.StatusCode/100 == 1 || resp.StatusCode == 204 || resp.StatusCode == 304
	switch {
	case method == http.MethodHead:
		resp.ContentLength = length
	case bodyless:
		resp.ContentLength = 0
	case chunked:
		resp.ContentLength = -1
		delete(h, "Content-Length")
	default:
		if resp.ContentLength = length; length < 0 {
			resp.Close = true
		}
	}
	if chunked && len(h["Trailer"]) > 0 {
		return announced(resp, h["Trailer"])
	}
	return nil
}

// connection takes what concerns the connection alone out of the fields, and says
// whether the body is chunked.
func connection(resp *http.Response) (chunked bool) {
	h := resp.Header
	values := h["Connection"]
	closes := hasToken(values, "close")
	if closes && resp.ProtoMinor > 0 {
		delete(h, "Connection")
	}
	resp.Close = closes || resp.ProtoMinor == 0 && !hasToken(values, "keep-alive")
	if len(h["Transfer-Encoding"]) > 0 {
		delete(h, "Transfer-Encoding")
		if resp.ProtoMinor > 0 {
			resp.TransferEncoding = []string{"chunked"}
			return true
		}
	}
	return false
}

// contentLength reads the values of Content-Length, which the codec has compared.
func contentLength(values []string) (int64, error) {
	n, ok := message.ParseDigits(values[0])
	if !ok {
		first, _, _ := strings.Cut(values[0], ",")
		n, ok = message.ParseDigits(textproto.TrimString(first))
	}
	if !ok {
		return 0, fmt.Errorf("bad Content-Length %q", values[0])
	}
	return n, nil
}

// announced makes resp.Trailer of the names in the field Trailer.
func announced(resp *http.Response, values []string) error {
	delete(resp.Header, "Trailer")
	trailer := make(http.Header)
	for _, list := range values {
		for list != "" {
			var name string
			if name, list = message.CutMember(list); name == "" {
				continue
			}
			switch name = http.CanonicalHeaderKey(name); name {
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return fmt.Errorf("bad trailer key %q", name)
			}
			trailer[name] = nil
		}
	}
	if len(trailer) > 0 {
		resp.Trailer = trailer
	}
	return nil
}

// fixPragma reads the old field as the new one.
func fixPragma(h http.Header) {
	if p := h["Pragma"]; len(p) > 0 && p[0] == "no-cache" {
		if _, ok := h["Cache-Control"]; !ok {
			h["Cache-Control"] = []string{"no-cache"}
		}
	}
}

// addTrailer adds what came after the body.
func addTrailer(resp *http.Response, trailer sonde.Header) {
	if trailer.Len() == 0 {
		return
	}
	if resp.Trailer == nil {
		resp.Trailer = make(http.Header)
	}
	came := make(http.Header)
	for name, value := range trailer.All() {
		came.Add(name, value)
	}
	for name, values := range came {
		resp.Trailer[name] = values
	}
}
