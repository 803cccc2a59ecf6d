package otel

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"sonde"
	events "sonde/trace"
)

// call is an attempt under way, or a call where that is all that is seen. Events may come from several goroutines, and after
// its end: a dial can outlive it.
type call struct {
	t      *Telemetry
	ctx    context.Context // with the span
	span   trace.Span
	start  time.Time
	static facts

	mu       sync.Mutex
	over     bool
	attempts int
	sent     int64 // bytes of the request's body, of the last attempt
	received int64
	seen     []events.Event // for PhaseSpans

	status sonde.Status // 0: no response
	proto  sonde.Proto
	remote attribute.Set
}

func (t *Telemetry) begin(ctx context.Context, req *sonde.Request) *call {
	if ctx == nil {
		ctx = context.Background() // the client refuses it, and that is a call, too
	}
	c := &call{t: t, start: time.Now(), static: factsOf(req, t.known)}
	if t.cfg.Template != nil {
		c.static.template = t.cfg.Template(req)
	}
	attrs := c.static.ofSpan()
	if n := sonde.AttemptNumber(ctx); n > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(n-1))
	}
	c.ctx, c.span = t.tracer.Start(ctx, c.static.name(), trace.WithTimestamp(c.start),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	t.active.Inst().Add(ctx, 1, metric.WithAttributeSet(c.static.ofActive()))
	return c
}

// hooked is the context for the call.
func (c *call) hooked() context.Context {
	return events.With(c.ctx, &events.Hooks{Event: c.event})
}

func (c *call) event(e events.Event) {
	if e.Kind == events.ConnClosed && e.Reason == events.Dropped {
		defer c.end(errors.New(e.Reason.String())) // no tap tells of this end
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	switch e.Kind {
	case events.AttemptStart:
		c.attempts++
		c.sent = 0
	case events.BodyWritten:
		c.sent = e.Bytes
	case events.BodyRead:
		c.received = e.Bytes
	}
	switch {
	case e.Kind == events.FieldWritten, e.Kind == events.TrailerRead, !c.span.IsRecording():
	case c.t.cfg.Phases == PhaseSpans:
		c.seen = append(c.seen, e)
	case c.t.cfg.Phases == PhaseEvents:
		c.span.AddEvent(e.Kind.String(), trace.WithTimestamp(e.Time), trace.WithAttributes(ofEvent(&e)...))
	}
}

// answer takes the response, and waits for its body's end.
func (c *call) answer(ex *sonde.Exchange) {
	c.mu.Lock()
	c.status, c.proto = ex.Status, ex.Proto
	if remote := ex.ConnInfo().Remote; remote.IsValid() {
		c.remote = attribute.NewSet(peer(remote)...)
	}
	c.mu.Unlock()
	if ex.Body == nil {
		c.end(nil)
		return
	}
	var n int64
	ex.Body.Tap(func(p []byte, end error) {
		if n += int64(len(p)); end == nil {
			return
		}
		c.mu.Lock()
		if c.received == 0 {
			c.received = n // it came from a Handler, not from a connection
		}
		c.mu.Unlock()
		if end == io.EOF || errors.Is(end, fs.ErrClosed) {
			end = nil // not wanting the rest of a body is no failure
		}
		c.end(end)
	})
}

// end ends the span and counts the call, once.
func (c *call) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	now := time.Now()
	outcome := c.outcome(err)
	if c.span.IsRecording() {
		c.span.SetAttributes(outcome...)
		c.span.SetAttributes(c.remote.ToSlice()...)
		if c.attempts > 1 { // of a whole call
			c.span.SetAttributes(semconv.HTTPRequestResendCount(c.attempts - 1))
		}
		if c.sent > 0 {
			c.span.SetAttributes(semconv.HTTPRequestBodySize(int(c.sent)))
		}
		if c.status != 0 {
			c.span.SetAttributes(semconv.HTTPResponseBodySize(int(c.received)))
		}
		if err != nil && c.canceled(err) {
			c.span.SetAttributes(messageKey.String(message(err)))
		}
		switch {
		case err != nil && !c.canceled(err):
			c.span.SetStatus(codes.Error, message(err))
		case c.status >= 400:
			c.span.SetStatus(codes.Error, "")
		}
		c.phases(err)
	}
	c.span.End(trace.WithTimestamp(now))

	set := attribute.NewSet(append(c.static.ofMetrics(), outcome...)...)
	with := metric.WithAttributeSet(set)
	c.t.duration.Inst().Record(c.ctx, now.Sub(c.start).Seconds(), with)
	c.t.sent.Inst().Record(c.ctx, c.sent, with)
	if c.status != 0 {
		c.t.received.Inst().Record(c.ctx, c.received, with)
	}
	c.t.active.Inst().Add(c.ctx, -1, metric.WithAttributeSet(c.static.ofActive()))
}

// outcome is what became of the call, for span and metrics.
func (c *call) outcome(err error) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if c.status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(int(c.status)), version(c.proto))
	}
	switch {
	case err != nil && !c.canceled(err):
		attrs = append(attrs, semconv.ErrorTypeKey.String(errorType(err)))
	case c.status >= 400:
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(int(c.status))))
	}
	return attrs
}

// canceled reports whether err is that nobody wanted more, which the conventions do
// not call an error. A hedge that lost, for one, has a cause of its own.
func (c *call) canceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(c.ctx.Err(), context.Canceled)
}
