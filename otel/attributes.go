package otel

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"sonde"
	"sonde/trace"
	events "sonde/trace"
)

// facts are what is known of a call before it begins.
type facts struct {
	method   string // "_OTHER" for what is not known
	original string // the method then
	url      string
	scheme   string
	host     string
	port     int
	template string
}

// knownMethods are the methods that are told by their names. The variable is the
// conventions' own.
func knownMethods() []string {
	if list := os.Getenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"); list != "" {
		known := strings.Split(list, ",")
		for i := range known {
			known[i] = strings.TrimSpace(known[i])
		}
		return known
	}
	return []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}
}

func factsOf(req *sonde.Request, known []string) facts {
	f := facts{method: string(req.Method())}
	if !slices.Contains(known, f.method) {
		f.method, f.original = "_OTHER", f.method
	}
	f.url = req.URL()
	u, err := url.Parse(f.url)
	if err != nil {
		return f
	}
	f.scheme, f.host = u.Scheme, u.Hostname()
	switch port, err := strconv.Atoi(u.Port()); {
	case err == nil:
		f.port = port
	case u.Scheme == "http":
		f.port = 80
	case u.Scheme == "https":
		f.port = 443
	}
	if u.User != nil {
		u.User = nil
		f.url = u.String()
	}
	f.url = trace.RedactSignatures(f.url)
	return f
}

// name is the span's.
func (f *facts) name() string {
	method := f.method
	if f.original != "" {
		method = "HTTP"
	}
	if f.template != "" {
		return method + " " + f.template
	}
	return method
}

// ofMetrics are the attributes of histograms, besides the outcome.
func (f *facts) ofMetrics() []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(f.method), semconv.URLScheme(f.scheme)}
	attrs = append(attrs, f.server()...)
	if f.template != "" {
		attrs = append(attrs, semconv.URLTemplate(f.template))
	}
	return attrs
}

func (f *facts) server() []attribute.KeyValue {
	if f.port == 0 {
		return []attribute.KeyValue{semconv.ServerAddress(f.host)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(f.host), semconv.ServerPort(f.port)}
}

// ofActive are those of http.client.active_requests.
func (f *facts) ofActive() attribute.Set {
	return attribute.NewSet(append(f.server(), semconv.HTTPRequestMethodKey.String(f.method), semconv.URLScheme(f.scheme))...)
}

// ofSpan are those that a span has from its start, so that samplers see them.
func (f *facts) ofSpan() []attribute.KeyValue {
	attrs := append(f.ofMetrics(), semconv.URLFull(f.url))
	if f.original != "" {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(f.original))
	}
	return attrs
}

func version(p sonde.Proto) attribute.KeyValue {
	return semconv.NetworkProtocolVersion(strings.TrimPrefix(p.String(), "HTTP/"))
}

func peer(a netip.AddrPort) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.NetworkPeerAddress(a.Addr().WithZone("").String()), semconv.NetworkPeerPort(int(a.Port())),
	}
}

// errorType is a name of few for err.
func errorType(err error) string {
	var failed *sonde.Error
	switch errors.As(err, &failed); {
	case errors.Is(err, context.DeadlineExceeded), failed != nil && failed.Timeout():
		return "timeout"
	case failed != nil:
		return string(failed.Op)
	}
	return "_OTHER"
}

// message is what err says, without the URL of the request, which url.full shows,
// and without what that must not show.
func message(err error) string {
	text := err.Error()
	if failed, ok := err.(*sonde.Error); ok {
		text = string(failed.Op) + ": " + failed.Err.Error()
	}
	return trace.RedactSignatures(text)
}

// ofEvent is what an event says.
func ofEvent(e *events.Event) []attribute.KeyValue {
	attrs := []attribute.KeyValue{}
	if e.Attempt > 1 {
		attrs = append(attrs, attemptKey.Int(e.Attempt))
	}
	if e.Remote().IsValid() {
		attrs = append(attrs, peer(e.Remote())...)
	}
	if e.Kind == events.AcquireDone && e.Err == nil {
		attrs = append(attrs, reusedKey.Bool(e.Reused))
	}
	if e.Reason != events.NoReason {
		attrs = append(attrs, reasonKey.String(e.Reason.String()))
	}
	if e.Status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(e.Status))
	}
	if e.Bytes != 0 {
		attrs = append(attrs, bytesKey.Int64(e.Bytes))
	}
	if e.Err != nil {
		attrs = append(attrs, messageKey.String(message(e.Err)))
	}
	return attrs
}

// What no convention has a name for.
const (
	attemptKey = attribute.Key("sonde.attempt")
	reusedKey  = attribute.Key("sonde.connection.reused")
	reasonKey  = attribute.Key("sonde.reason")
	messageKey = attribute.Key("sonde.error")
	bytesKey   = attribute.Key("sonde.bytes")
)
