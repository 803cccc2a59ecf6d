package trace

import (
	"context"
	"log/slog"
	"net/netip"
)

// Slog returns a Sink that writes to l; nil is slog.Default(). The message is
// the Kind, the attributes are what the event says and its ids. level says how
// much an event matters; nil is Level. What the logger's handler does not want
// costs next to nothing.
func Slog(l *slog.Logger, level func(Event) slog.Level) Sink {
	if l == nil {
		l = slog.Default()
	}
	if level == nil {
		level = Level
	}
	return &slogSink{l, level}
}

// Level is how much an event matters, unless it is said otherwise: the end of a
// call, retries, redirects and challenges are Info, or Warn where the call failed; what a
// connection goes through is Debug; single steps of an exchange are below Debug.
func Level(e Event) slog.Level {
	switch e.Kind {
	case CallDone:
		if e.Err != nil {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	case Retry, RetryRefused, Hedge, Redirect, Challenge:
		return slog.LevelInfo
	case DNSDone, ConnectDone, TLSDone, ProxyDone, ConnOpened, AcquireDone, ConnPut, ConnClosed, AttemptDone:
		return slog.LevelDebug
	}
	return slog.LevelDebug - 4
}

type slogSink struct {
	log   *slog.Logger
	level func(Event) slog.Level
}

// Record logs e, at the time when it happened.
func (s *slogSink) Record(e Event) {
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
	var few [8]fact
	for _, d := range e.facts(few[:0]) {
		switch d.val.(type) {
		case []netip.Addr, Reason, error:
			r.AddAttrs(slog.String(d.key, string(d.appendTo(nil))))
		default:
			r.AddAttrs(slog.Any(d.key, d.val))
		}
	}
	h.Handle(ctx, r) // an error of a handler is the logger's to care for
}
