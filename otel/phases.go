package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	events "sonde/trace"
)

// phases makes a child span of each phase that there was; those under way ended with
// err. c.mu is held.
func (c *call) phases(err error) {
	for _, line := range events.Timelines(c.seen) {
		for i := range line.Attempts {
			a := &line.Attempts[i]
			for j := range a.Spans {
				s := &a.Spans[j]
				if s.Cut && s.Err == nil {
					s.Err = err // the event that says so is still to come
				}
				c.phase(&line, a, s)
			}
		}
	}
}

func (c *call) phase(line *events.Timeline, a *events.Attempt, s *events.Span) {
	attrs := []attribute.KeyValue{attemptKey.Int(a.Number)}
	switch s.Phase {
	case events.PhaseDNS:
		attrs = append(attrs, semconv.DNSQuestionName(s.Host))
		for _, addr := range s.Addrs {
			attrs = append(attrs, semconv.DNSAnswers(addr.String()))
		}
	case events.PhaseConnect, events.PhaseProxy:
		if s.Remote.IsValid() {
			attrs = append(attrs, peer(s.Remote)...)
		}
	case events.PhaseAcquire:
		attrs = append(attrs, reusedKey.Bool(a.Reused))
		if a.Opened != events.NoReason {
			attrs = append(attrs, reasonKey.String(a.Opened.String()))
		}
	case events.PhaseSend, events.PhaseReceive:
		attrs = append(attrs, bytesKey.Int64(s.Bytes))
	}
	_, span := c.t.tracer.Start(c.ctx, s.Phase.String(), trace.WithTimestamp(line.Start.Add(s.Start)), trace.WithAttributes(attrs...))
	switch {
	case s.Err == nil:
	case errors.Is(s.Err, context.Canceled):
		span.SetAttributes(messageKey.String(message(s.Err)))
	default:
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(s.Err)))
		span.SetStatus(codes.Error, message(s.Err))
	}
	span.End(trace.WithTimestamp(line.Start.Add(s.End)))
}
