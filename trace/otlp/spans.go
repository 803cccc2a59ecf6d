package otlp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"sonde"
	"sonde/trace"
)

// The messages of opentelemetry/proto/trace/v1, as far as they are used, in the
// JSON mapping of OTLP: ids in hexadecimal, 64-bit integers as strings.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	span struct {
		TraceID      string      `json:"traceId"`
		SpanID       string      `json:"spanId"`
		ParentSpanID string      `json:"parentSpanId,omitempty"`
		Name         string      `json:"name"`
		Kind         int         `json:"kind"`
		Start        string      `json:"startTimeUnixNano"`
		End          string      `json:"endTimeUnixNano"`
		Attributes   []attribute `json:"attributes,omitempty"`
		Status       *status     `json:"status,omitempty"`
	}
	status struct {
		Code    int    `json:"code"`
		Message string `json:"message,omitempty"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String *string `json:"stringValue,omitempty"`
		Int    *string `json:"intValue,omitempty"`
		Bool   *bool   `json:"boolValue,omitempty"`
	}
)

const (
	kindInternal = 1
	kindClient   = 3
	codeError    = 2
)

// Marshal returns calls as an ExportTraceServiceRequest in JSON: for each a client
// span, named as the semantic conventions for HTTP have it, with a child for each
// phase. Every call has a trace of its own.
func Marshal(service string, calls []trace.Timeline) ([]byte, error) {
	spans := []span{}
	for i := range calls {
		spans = append(spans, spansOf(&calls[i])...)
	}
	return json.Marshal(request{[]resourceSpans{{
		Resource:   resource{[]attribute{text("service.name", service)}},
		ScopeSpans: []scopeSpans{{scope{"sonde", sonde.Version}, spans}},
	}}})
}

func text(key, v string) attribute { return attribute{key, value{String: &v}} }

func number(key string, n int64) attribute {
	v := strconv.FormatInt(n, 10)
	return attribute{key, value{Int: &v}}
}

func boolean(key string, v bool) attribute { return attribute{key, value{Bool: &v}} }

// id is n random bytes.
func id(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func stamp(start time.Time, d time.Duration) string {
	return strconv.FormatInt(start.Add(d).UnixNano(), 10)
}

func spansOf(call *trace.Timeline) []span {
	name, _ := method(call)
	if name == otherMethod {
		name = "HTTP"
	}
	root := span{
		TraceID: id(16), SpanID: id(8), Name: name, Kind: kindClient,
		Start: stamp(call.Start, 0), End: stamp(call.Start, call.End), Attributes: attributesOf(call),
	}
	if call.Status >= 400 {
		root.Status = &status{Code: codeError}
	}
	if err := beyondStatus(call); err != nil {
		root.fail(err)
	}
	all := []span{root}
	for i := range call.Attempts {
		a := &call.Attempts[i]
		for j := range a.Spans {
			s := phase(call, a, &a.Spans[j])
			s.TraceID, s.ParentSpanID = root.TraceID, root.SpanID
			all = append(all, s)
		}
	}
	return all
}

// attributesOf are those that the semantic conventions name, and sonde's own.
func attributesOf(call *trace.Timeline) []attribute {
	known, original := method(call)
	all := []attribute{text("http.request.method", known), text("url.full", trace.RedactSignatures(call.URL))}
	if original != "" {
		all = append(all, text("http.request.method_original", original))
	}
	if u, err := url.Parse(call.URL); err == nil {
		all = append(all, text("url.scheme", u.Scheme), text("server.address", u.Hostname()))
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		if n, err := strconv.ParseInt(port, 10, 32); err == nil {
			all = append(all, number("server.port", n))
		}
	}
	if call.Status != 0 {
		all = append(all, number("http.response.status_code", int64(call.Status)))
	}
	if err := beyondStatus(call); call.Status >= 400 && (err == nil || errors.Is(err, context.Canceled)) {
		all = append(all, text("error.type", strconv.Itoa(call.Status)))
	}
	n := len(call.Attempts)
	if n == 0 {
		return all
	}
	if n > 1 {
		all = append(all, number("http.request.resend_count", int64(n-1)))
	}
	last := served(call)
	if last.Remote.IsValid() {
		all = append(all, text("network.peer.address", last.Remote.Addr().String()),
			number("network.peer.port", int64(last.Remote.Port())))
	}
	if last.TLSVersion != 0 {
		all = append(all, text("tls.protocol.name", "tls"), boolean("tls.resumed", last.Resumed))
	}
	if last.Conn != 0 {
		all = append(all, number("http.request.body.size", last.BodyWritten), boolean("sonde.connection.reused", last.Reused))
	}
	if last.HeadRead != 0 {
		all = append(all, number("http.response.body.size", last.BodyRead))
	}
	return all
}

// served is the attempt that had the call's response, which need not be the last one
// where it was hedged; without a response it is the last one.
func served(call *trace.Timeline) *trace.Attempt {
	last := len(call.Attempts) - 1
	for i := last; i >= 0 && call.Status != 0; i-- {
		if call.Attempts[i].Status != 0 {
			return &call.Attempts[i]
		}
	}
	return &call.Attempts[last]
}

// otherMethod is what the conventions call a method that they do not know: so that
// names and values are few.
const otherMethod = "_OTHER"

// method is that of call as the conventions have it, and what it was where they do
// not know it.
func method(call *trace.Timeline) (known, original string) {
	switch call.Method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return call.Method, ""
	}
	return otherMethod, call.Method
}

// beyondStatus is the error of call, unless it is the response's status, which speaks
// for itself.
func beyondStatus(call *trace.Timeline) error {
	var refused *sonde.StatusError
	if errors.As(call.Err, &refused) {
		return nil
	}
	return call.Err
}

// fail says that s ended with err. That the caller wanted no more is no error, as the
// conventions have it; sonde.error still tells of it.
func (s *span) fail(err error) {
	said := trace.RedactSignatures(err.Error())
	if errors.Is(err, context.Canceled) {
		s.Attributes = append(s.Attributes, text("sonde.error", said))
		return
	}
	s.Attributes = append(s.Attributes, text("error.type", errorType(err)))
	s.Status = &status{codeError, said}
}

// errorType is a name of few for err.
func errorType(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	return "_OTHER"
}

func phase(call *trace.Timeline, a *trace.Attempt, s *trace.Span) span {
	out := span{
		SpanID: id(8), Name: s.Phase.String(), Kind: kindInternal,
		Start: stamp(call.Start, s.Start), End: stamp(call.Start, s.End),
		Attributes: []attribute{number("sonde.attempt", int64(a.Number))},
	}
	switch s.Phase {
	case trace.PhaseDNS:
		out.Attributes = append(out.Attributes, text("dns.question.name", s.Host))
	case trace.PhaseConnect, trace.PhaseProxy:
		if s.Remote.IsValid() {
			out.Attributes = append(out.Attributes, text("network.peer.address", s.Remote.Addr().String()),
				number("network.peer.port", int64(s.Remote.Port())))
		}
	case trace.PhaseAcquire:
		out.Attributes = append(out.Attributes, boolean("sonde.connection.reused", a.Reused))
		if a.Opened != trace.NoReason {
			out.Attributes = append(out.Attributes, text("sonde.reason", a.Opened.String()))
		}
	case trace.PhaseSend, trace.PhaseReceive:
		out.Attributes = append(out.Attributes, number("sonde.bytes", s.Bytes))
	}
	if s.Err != nil {
		out.fail(s.Err)
	}
	return out
}
