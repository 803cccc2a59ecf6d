package trace_test

import (
	"io"
	"log/slog"
	"testing"

	"sonde/trace"
	"sonde/trace/slogsink"
)

// BenchmarkSinks is what one event costs a sink.
func BenchmarkSinks(b *testing.B) {
	e := trace.Event{Kind: trace.AcquireDone, Time: began, Call: 7, Attempt: 1, Conn: 9, Reused: true, Idle: 5000}
	for _, tt := range []struct {
		name string
		sink trace.Sink
	}{
		{"Ring", trace.NewRing(1024)}, {"JSONLines", trace.NewJSONLines(io.Discard)}, {"Text", trace.NewText(io.Discard)},
		{"Slog", slogsink.New(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})), nil)},
		{"Slog unwanted", slogsink.New(slog.New(slog.DiscardHandler), nil)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tt.sink.Record(e)
			}
		})
	}
}
