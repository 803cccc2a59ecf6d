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
func (t *Transport) respond(c *trip, req *http.Request, gzip bool) (*http.Response, error) {
	in := &c.call.Response
	h := &in.HeadRead
	h.Detach()
	r := &reply{}
	resp := &r.Response
	resp.StatusCode, resp.TLS = h.Status, in.TLS
	if resp.TLS != nil && resp.TLS.Version == 0 {
		resp.TLS = nil // of a DialTLS that does not say
	}
	resp.Status = status(h.Status, h.Reason)
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", int(h.Major), int(h.Minor)
	if h.Minor != 1 {
		resp.Proto = "HTTP/1." + strconv.Itoa(int(h.Minor))
	}
	resp.Header = header(&h.Fields)
	ex, _ := in.Exchange.(*sonde.Exchange)
	if err := frame(resp, req.Method); err != nil {
		if ex != nil {
			ex.Close()
		}
		return nil, broken(err)
	}
	fixPragma(resp.Header)
	switch {
	case ex == nil && in.Body == nil:
		resp.Body = http.NoBody
		return resp, nil
	case ex == nil && len(in.Body) == 0:
		resp.Body = http.NoBody
	case ex == nil:
		r.whole.take(in.Body, c)
		resp.Body = &r.whole
	case tunnels(req, resp):
		return tunnel(req, resp, ex)
	default:
		b := &liveBody{ex: ex, t: t, over: c.call.Over.(*flight)}
		if resp.Trailer != nil || len(resp.TransferEncoding) > 0 {
			b.resp = resp
		}
		resp.Body = b
	}
	if gzip && resp.Body != http.NoBody && len(resp.Header["Content-Encoding"]) > 0 &&
		strings.EqualFold(resp.Header["Content-Encoding"][0], "gzip") {
		delete(resp.Header, "Content-Encoding")
		delete(resp.Header, "Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
		resp.Body = &unzipped{body: resp.Body}
	}
	return resp, nil
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
	for i := range n {
		name, value := f.Peek(i)
		name = textproto.CanonicalMIMEHeaderKey(name)
		if more, again := h[name]; again {
			h[name] = append(more, value)
			continue
		}
		values[i] = value
		h[name] = values[i : i+1 : i+1]
	}
	return h
}

// frame takes the framing out of the fields, as http.ReadResponse does.
func frame(resp *http.Response, method string) error {
	h := resp.Header
	connection := h["Connection"]
	closes := hasToken(connection, "close")
	if closes && resp.ProtoMinor > 0 {
		delete(h, "Connection")
	}
	resp.Close = closes || resp.ProtoMinor == 0 && !hasToken(connection, "keep-alive")
	chunked := false
	if len(h["Transfer-Encoding"]) > 0 {
		delete(h, "Transfer-Encoding")
		if resp.ProtoMinor > 0 {
			chunked = true
			resp.TransferEncoding = []string{"chunked"}
		}
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
	if names := h["Trailer"]; chunked && len(names) > 0 {
		return announced(resp, names)
	}
	return nil
}

// contentLength reads the values of Content-Length, which the codec has compared.
func contentLength(values []string) (int64, error) {
	first, _, _ := strings.Cut(values[0], ",")
	n, ok := message.ParseDigits(textproto.TrimString(first))
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
