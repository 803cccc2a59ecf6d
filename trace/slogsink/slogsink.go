// Package slogsink writes the events of package trace to log/slog. It is apart from
// trace because log/slog sets itself up in every program that imports it.
package slogsink

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"

	"sonde/trace"
)

// New returns a sink that writes to l; nil is slog.Default(). The message is
// the Kind, the attributes are the event's Facts and its ids. level says how
// much an event matters; nil is Level. What the logger's handler does not want
// costs next to nothing. It is safe for concurrent use where the handler is.
func New(l *slog.Logger, level func(trace.Event) slog.Level) trace.Sink {
	if l == nil {
		l = slog.Default()
	}
	if level == nil {
		level = Level
	}
	return &sink{l, level}
}

// Level is how much an event matters, unless it is said otherwise: the end of a
// call, retries, redirects and challenges are Info, or Warn where the call failed; what a
// connection goes through is Debug; single steps of an exchange are below Debug.
func Level(e trace.Event) slog.Level {
	switch e.Kind {
	case trace.CallDone:
		if e.Err != nil {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	case trace.Retry, trace.RetryRefused, trace.Hedge, trace.Redirect, trace.Challenge:
		return slog.LevelInfo
	case trace.DNSDone, trace.ConnectDone, trace.TLSDone, trace.ProxyDone, trace.ConnOpened, trace.AcquireDone, trace.ConnPut, trace.ConnClosed, trace.AttemptDone:
		return slog.LevelDebug
	}
	return slog.LevelDebug - 4
}

type sink struct {
	log   *slog.Logger
	level func(trace.Event) slog.Level
}

// Record logs e, at the time when it happened.
func (s *sink) Record(e trace.Event) {
	ctx, level := context.Background(), s.level(e)
	h := s.log.Handler()
	if !h.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(e.Time, level, e.Kind.String(), 0)
	if e.Call != 0 {
		r.AddAttrs(slog.Uint64("call", e.Call))
	}
	if e.Attempt > 1 {
		r.AddAttrs(slog.Int("attempt", e.Attempt))
	}
	if e.Conn != 0 {
		r.AddAttrs(slog.Uint64("conn", e.Conn))
	}
	for key, value := range e.Facts() {
		r.AddAttrs(attr(key, value))
	}
	h.Handle(ctx, r) // an error of a handler is the logger's to care for
}

// attr is a fact as an attribute: with words where the handler would show a value's
// insides.
func attr(key string, value any) slog.Attr {
	switch v := value.(type) {
	case trace.Reason:
		return slog.String(key, v.String())
	case error:
		return slog.String(key, v.Error())
	case []netip.Addr:
		words := make([]string, len(v))
		for i, a := range v {
			words[i] = a.String()
		}
		return slog.String(key, strings.Join(words, ","))
	}
	return slog.Any(key, value)
}
