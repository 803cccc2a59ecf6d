package nethttp

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"sonde/internal/core"
	"sonde/internal/idna"
	"sonde/internal/message"
)

// Here a request's head is written as net/http writes it, to the byte: the request
// line, Host, User-Agent, what frames the body, the other fields sorted by name,
// and last what the transport adds.

const userAgent = "Go-http-client/1.1"

// checkFields says what is wrong with fields; it shows no value.
func checkFields(h http.Header) string {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Sprintf("field name %q", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Sprintf("field value for %q", name)
			}
		}
	}
	return ""
}

// site is what a request's URL and Host say of where it goes: found out once, since
// the next request often goes there too.
type site struct {
	scheme, url, host string // that it was made of
	proxied           bool

	origin message.Origin
	field  string // the value of Host
}

// find makes s the site of req.
func (s *site) find(req *http.Request, proxied bool) error {
	u := req.URL
	if s.url == u.Host && s.host == req.Host && s.scheme == u.Scheme && s.proxied == proxied {
		return nil
	}
	h, err := host(req, proxied)
	if err != nil {
		return err
	}
	*s = site{scheme: u.Scheme, url: u.Host, host: req.Host, proxied: proxied, origin: origin(u), field: h}
	return nil
}

// origin is where the request's connection goes.
func origin(u *url.URL) message.Origin {
	o := message.Origin{Scheme: u.Scheme, Host: u.Hostname(), Port: u.Port()}
	for i := range len(o.Host) {
		if o.Host[i] >= 0x80 {
			// As net/http does, a name that IDNA refuses goes to the resolver as it is.
			if ascii, err := idna.ToASCII(o.Host); err == nil {
				o.Host = ascii
			}
			break
		}
	}
	if o.Port == "" {
		o.Port = "80"
		if o.Scheme == "https" {
			o.Port = "443"
		}
	}
	return o
}

// host is the value of Host. One that could not stand in a field is sent empty, as
// net/http does for the paths of sockets that some programs put there.
func host(req *http.Request, proxied bool) (string, error) {
	h := req.Host
	if h == "" {
		h = req.URL.Host
	}
	h, err := httpguts.PunycodeHostPort(h)
	if err != nil {
		return "", err
	}
	if !httpguts.ValidHostHeader(h) {
		if proxied {
			return "", errors.New("http: invalid Host header")
		}
		h = ""
	}
	// RFC 6874 §4: no zone leaves the machine.
	if strings.HasPrefix(h, "[") {
		if end := strings.LastIndexByte(h, ']'); end >= 0 {
			if zone := strings.LastIndexByte(h[:end], '%'); zone >= 0 {
				h = h[:zone] + h[end:]
			}
		}
	}
	return h, nil
}

// target is the request-target.
func target(req *http.Request, host string, proxied bool) (string, error) {
	uri := req.URL.RequestURI()
	switch {
	case proxied && req.URL.Scheme != "" && req.URL.Opaque == "":
		uri = req.URL.Scheme + "://" + host + uri
	case req.Method == http.MethodConnect && req.URL.Path == "":
		if uri = host; req.URL.Opaque != "" {
			uri = req.URL.Opaque
		}
	}
	for i := range len(uri) {
		if uri[i] < ' ' || uri[i] == 0x7f {
			return "", errors.New("net/http: can't write control character in Request.URL")
		}
	}
	return uri, nil
}

// extra is what the transport adds to the fields.
type extra struct {
	gzip, close bool
	proxyAuth   string
}

// render appends the head of req to c.Head.
func render(req *http.Request, c *core.Call, s *sending, host, target string, x extra) {
	dst := c.Head[:0]
	if req.Method == "" {
		dst = append(dst, "GET"...)
	}
	dst = append(dst, req.Method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	dst = append(dst, "\r\n"...)
	agent := userAgent
	if own, set := req.Header["User-Agent"]; set {
		if agent = ""; len(own) > 0 {
			agent = own[0]
		}
	}
	if agent != "" {
		dst = appendField(dst, "User-Agent", textproto.TrimString(agent))
	}
	if req.Close && !hasToken(req.Header["Connection"], "close") {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = s.appendFraming(dst, req)
	if len(s.announced) > 0 {
		dst = appendField(dst, "Trailer", strings.Join(s.announced, ","))
	}
	dst = appendSorted(dst, req.Header)
	dst = x.append(dst)
	c.Head = append(dst, "\r\n"...)
}

// append adds them, sorted as well.
func (x *extra) append(dst []byte) []byte {
	if x.gzip {
		dst = append(dst, "Accept-Encoding: gzip\r\n"...)
	}
	if x.close {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if x.proxyAuth != "" {
		dst = appendField(dst, "Proxy-Authorization", x.proxyAuth)
	}
	return dst
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// appendFraming appends what says where the body ends.
func (s *sending) appendFraming(dst []byte, req *http.Request) []byte {
	switch {
	case s.chunked:
		return append(dst, "Transfer-Encoding: chunked\r\n"...)
	case s.length > 0:
	case s.length < 0:
		return dst
	// RFC 9110 §8.6: methods that lead a server to expect content say that there is
	// none.
	case req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH":
	case s.identity && req.Method != "GET" && req.Method != "HEAD" && req.Method != "":
	default:
		return dst
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, s.length, 10)
	return append(dst, "\r\n"...)
}

// written reports whether the field comes from something else than the map.
func written(name string) bool {
	switch name {
	case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

var nameLists = sync.Pool{New: func() any { return new([]string) }}

// appendSorted appends the fields of h but those that were written before.
func appendSorted(dst []byte, h http.Header) []byte {
	if len(h) == 0 {
		return dst
	}
	list := nameLists.Get().(*[]string)
	names := (*list)[:0]
	for name := range h {
		if !written(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			dst = appendField(dst, name, textproto.TrimString(v))
		}
	}
	clear(names)
	*list = names
	nameLists.Put(list)
	return dst
}

// hasToken reports whether a list of the values has the member token.
func hasToken(values []string, token string) bool {
	return len(values) > 0 && httpguts.HeaderValuesContainsToken(values, token)
}
