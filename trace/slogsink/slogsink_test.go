package slogsink_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sonde/trace"
	"sonde/trace/slogsink"
)

var began = time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC)

func TestLevels(t *testing.T) {
	var out strings.Builder
	logger := func(l slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && !a.Value.Time().Equal(began) {
				t.Error("time", a.Value)
			}
			return a
		}}))
	}
	done := trace.Event{Kind: trace.CallDone, Time: began, Call: 3, Attempt: 2, Conn: 4, Status: 200}
	failed := trace.Event{Kind: trace.CallDone, Time: began, Call: 4, Err: errors.New("no route")}
	got := trace.Event{Kind: trace.AcquireDone, Time: began, Call: 3, Reused: true, Idle: time.Second}
	all := []trace.Event{done, failed, got, {Kind: trace.FirstByte, Time: began}}
	for _, tt := range []struct {
		from  slog.Level
		level func(trace.Event) slog.Level
		want  int
	}{
		{slog.LevelDebug - 4, nil, 4}, {slog.LevelDebug, nil, 3}, {slog.LevelInfo, nil, 2}, {slog.LevelWarn, nil, 1},
		{slog.LevelError, func(trace.Event) slog.Level { return slog.LevelError }, 4},
	} {
		out.Reset()
		sink := slogsink.New(logger(tt.from), tt.level)
		for _, e := range all {
			sink.Record(e)
		}
		if n := strings.Count(out.String(), "\n"); n != tt.want {
			t.Errorf("level %v: %d lines, want %d:\n%s", tt.from, n, tt.want, out.String())
		}
	}
	for _, want := range []string{
		"msg=call-done call=3 attempt=2 conn=4 status=200", `level=WARN msg=call-done call=4 error="no route"`,
	} {
		if !strings.Contains(out.String(), strings.Replace(want, "WARN", "ERROR", 1)) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
}

// TestWords: what is no plain value comes as words.
func TestWords(t *testing.T) {
	var out strings.Builder
	sink := slogsink.New(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), nil)
	sink.Record(trace.Event{Kind: trace.ConnClosed, Time: began, Reason: trace.AllBusy, Err: errors.New("broken"), Detail: &trace.Detail{
		Remote: netip.MustParseAddrPort("[::1]:2"), Addrs: []netip.Addr{netip.MustParseAddr("1.2.3.4"), netip.MustParseAddr("::1")}}})
	for _, want := range []string{
		`"addrs":"1.2.3.4,::1"`, `"remote":"[::1]:2"`, `"error":"broken"`, `"reason":"` + trace.AllBusy.String() + `"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
}

// TestDefault: nil is the program's own logger.
func TestDefault(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var out strings.Builder
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	slogsink.New(nil, nil).Record(trace.Event{Kind: trace.CallDone, Time: began, Status: 204})
	if !strings.Contains(out.String(), "msg=call-done status=204") {
		t.Error(out.String())
	}
}
