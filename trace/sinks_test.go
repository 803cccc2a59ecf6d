package trace_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"sonde/internal/flight"
	"sonde/trace"
	"sonde/trace/slogsink"
)

var began = time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC)

// every is one event of each kind, with everything set that an event can say.
func every() []trace.Event {
	var all []trace.Event
	for k := trace.CallStart; k.String() != "unknown"; k++ {
		all = append(all, trace.Event{Kind: k, Reused: true, Reason: trace.AllBusy, Status: 200,
			Time: began.Add(time.Duration(k) * time.Millisecond), Call: 7, Conn: 9, Attempt: 2, Bytes: 5, Idle: 1500 * time.Millisecond, Err: errors.New("a <b>"), Detail: &trace.Detail{
				Resumed: true, Custom: true, Wait: 30 * time.Millisecond, Method: "GET", URL: "http://h/<a&b>", Host: "h", Name: "X", Value: "v\"\\\x01\t\r\n\xff\u2028é", Proto: "http/1.1", TLSVersion: 0x304, Network: "tcp", Local: netip.MustParseAddrPort("127.0.0.1:1"), Remote: netip.MustParseAddrPort("[::1]:2"), Addrs: []netip.Addr{netip.MustParseAddr("1.2.3.4"), netip.MustParseAddr("::1")}}}, trace.Event{Kind: k, Time: began})
	}
	return all
}

// TestDocs: docs/trace-events.md has every kind, and every member of a line.
func TestDocs(t *testing.T) {
	docs, err := os.ReadFile("../docs/trace-events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range every() {
		if !strings.Contains(string(docs), "`"+e.Kind.String()+"`") {
			t.Error("no", e.Kind)
		}
		var members map[string]any
		if err := json.Unmarshal(trace.AppendJSON(nil, &e), &members); err != nil {
			t.Error(err)
		}
		for m := range members {
			if !strings.Contains(string(docs), "`"+m+"`") {
				t.Error("no", m)
			}
		}
	}
}

func TestTee(t *testing.T) {
	if trace.Tee() != nil || trace.Tee(nil, nil) != nil {
		t.Error("a Tee of nothing is no sink")
	}
	var order []int
	sink := func(n int) trace.Sink { return trace.SinkFunc(func(trace.Event) { order = append(order, n) }) }
	trace.Tee(nil, trace.Tee(sink(1), sink(2)), sink(3)).Record(trace.Event{})
	if fmt.Sprint(order) != "[1 2 3]" {
		t.Error(order)
	}
}

func TestRing(t *testing.T) {
	r := trace.NewRing(3)
	for i := range 8 {
		if i < 3 && len(r.Events()) != i {
			t.Error("kept", len(r.Events()), "of", i)
		}
		r.Record(trace.Event{Call: uint64(i)})
	}
	var calls []uint64
	for _, e := range r.Events() {
		calls = append(calls, e.Call)
	}
	if fmt.Sprint(calls) != "[5 6 7]" || r.Lost() != 5 {
		t.Error(calls, r.Lost())
	}
	if n := testing.AllocsPerRun(100, func() { r.Record(trace.Event{}) }); n != 0 {
		t.Error(n, "allocations")
	}
	if r.Reset(); len(r.Events()) != 0 || r.Lost() != 0 {
		t.Error("not forgotten")
	}
}

// line has the members of docs/trace-events.md.
type line struct {
	Kind       string
	Time       time.Time
	Mono       int64 `json:"mono_ns"`
	Call       uint64
	Attempt    int
	Conn       uint64
	Method     string
	URL        string
	Status     int
	Name       *string
	Value      *string
	Line       string
	Network    string
	Host       string
	Remote     netip.AddrPort
	Local      netip.AddrPort
	Addrs      []netip.Addr
	Custom     bool
	TLSVersion string `json:"tls_version"`
	Proto      string
	Resumed    bool
	Reused     *bool
	Idle       int64 `json:"idle_ns"`
	Wait       int64 `json:"wait_ns"`
	Reason     string
	Bytes      *int64
	Error      *string
}

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	sink := trace.NewJSONLines(&out)
	events := every()
	for _, e := range events {
		sink.Record(e)
	}
	if err := sink.Err(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), `\u003c`) {
		t.Error("escaped for HTML")
	}
	lines := bufio.NewScanner(&out)
	for _, e := range events {
		if !lines.Scan() {
			t.Fatal("a line is missing")
		}
		var l line
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&l); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if l.Kind != e.Kind.String() || !l.Time.Equal(e.Time) || l.Call != e.Call || l.Attempt != e.Attempt ||
			l.Conn != e.Conn || l.Method != e.Method() || l.URL != e.URL() || l.Status != e.Status ||
			l.Network != e.Network() || l.Host != e.Host() || l.Remote != e.Remote() || l.Local != e.Local() ||
			fmt.Sprint(l.Addrs) != fmt.Sprint(e.Addrs()) || l.Custom != e.Custom() || l.Proto != e.Proto() ||
			l.Resumed != e.Resumed() || l.Idle != int64(e.Idle) || l.Wait != int64(e.Wait()) ||
			(l.Error == nil) != (e.Err == nil) || l.Error != nil && *l.Error != e.Err.Error() {
			t.Errorf("%+v\nis not %+v", l, e)
		}
		if l.Line != "" != (e.Kind == trace.HeadWritten && e.Detail != nil) || l.Line != "" && l.Line != strings.ToValidUTF8(e.Value(), "\ufffd") {
			t.Errorf("%s: line %q, want %q", e.Kind, l.Line, e.Value())
		}
		if l.Value != nil && *l.Value != strings.ToValidUTF8(e.Value(), "\ufffd") {
			t.Errorf("value %q, want %q", *l.Value, e.Value())
		}
	}
}

type failing struct{ writes int }

func (f *failing) Write(p []byte) (int, error) {
	f.writes++
	return 0, errors.New("disk full")
}

func TestWriterErrorsAreKept(t *testing.T) {
	var w failing
	for _, s := range []interface {
		trace.Sink
		Err() error
	}{trace.NewJSONLines(&w), trace.NewText(&w), trace.NewStableText(&w)} {
		w.writes = 0
		s.Record(trace.Event{})
		s.Record(trace.Event{})
		if s.Err() == nil || w.writes != 1 {
			t.Errorf("%T: error %v, %d writes", s, s.Err(), w.writes)
		}
	}
}

func TestJSONLinesAllocations(t *testing.T) {
	sink := trace.NewJSONLines(new(failless))
	e := every()[0]
	e.Err = nil
	sink.Record(e)
	if n := testing.AllocsPerRun(100, func() { sink.Record(e) }); n != 0 {
		t.Error(n, "allocations an event")
	}
}

type failless struct{}

func (*failless) Write(p []byte) (int, error) { return len(p), nil }

// TestSinksAtOnce is for the race detector, and for lines that stay whole.
func TestSinksAtOnce(t *testing.T) {
	var text, js bytes.Buffer
	sink := trace.Tee(trace.NewText(&text), trace.NewJSONLines(&js), trace.NewRing(10),
		slogsink.New(slog.New(slog.DiscardHandler), nil), new(trace.Recorder))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, e := range every() {
				sink.Record(e)
			}
		})
	}
	wg.Wait()
	for l := range strings.Lines(js.String()) {
		if !json.Valid([]byte(l)) {
			t.Fatal(l)
		}
	}
}

func TestText(t *testing.T) {
	var out strings.Builder
	sink := trace.NewText(&out)
	for _, e := range every() {
		sink.Record(e)
	}
	for l := range strings.Lines(out.String()) {
		if strings.ContainsAny(strings.TrimSuffix(l, "\n"), "\x00\x01\x1b\r\n\t") || strings.HasSuffix(l, " \n") {
			t.Errorf("%q", l)
		}
	}
	if want := `X: v"\\\x01\t\r\n\xff\u2028é`; !strings.Contains(out.String(), want) {
		t.Errorf("%s not in\n%s", want, out.String())
	}
}

// TestFacts: whoever takes the Facts has what the lines have, and may stop.
func TestFacts(t *testing.T) {
	e := trace.Event{Kind: trace.ConnectDone, Time: began, Call: 7, Idle: time.Second, Reason: trace.AllBusy,
		Detail: &trace.Detail{Network: "tcp", Remote: netip.MustParseAddrPort("[::1]:2"), Custom: true}}
	var got strings.Builder
	for key, value := range e.Facts() {
		fmt.Fprintf(&got, "%s=%v ", key, value)
	}
	if want := "network=tcp remote=[::1]:2 custom=true idle=1s reason=" + trace.AllBusy.String() + " "; got.String() != want {
		t.Errorf("%s\nwant %s", got.String(), want)
	}
	for key := range e.Facts() {
		if key != "network" {
			t.Error("it went on")
		}
		break
	}
	for _, e := range every() {
		for key, value := range e.Facts() {
			switch value.(type) {
			case string, int, int64, bool, time.Duration, netip.AddrPort, []netip.Addr, trace.Reason, error:
			default:
				t.Errorf("%v: %s is a %T", e.Kind, key, value)
			}
		}
	}
}

func TestRedactURLs(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:p@h/x": "http://h/x", "http://h/x@y": "http://h/x@y", "//u@h": "//h", "a@b": "a@b",
		"x http://u:p@w@h/ y https://v:q,;'@i?a=b@c": "x http://h/ y https://i?a=b@c",
		"0;url=http://u:p@h/":                        "0;url=http://h/",
		"http://u:p@":                                "http://",
	} {
		if got := trace.RedactURLs(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, name := range []string{"authorization", "Cookie", "SET-COOKIE", "Proxy-Authorization", "Cookie2", "X-Amz-Security-Token"} {
		if trace.Redact(name, "secret") != "[redacted]" {
			t.Error(name)
		}
	}
	if trace.Redact("Referer", "http://u:p@h/") != "http://h/" || trace.Redact("Accept", "b") != "b" {
		t.Error("other fields")
	}
}

// TestRingExact: an event comes out as it went in, even one that no client makes.
func TestRingExact(t *testing.T) {
	now := time.Now()
	events := append(every(),
		trace.Event{Kind: trace.AcquireDone, Idle: time.Hour, Time: now},
		trace.Event{Kind: trace.AcquireDone, Idle: time.Hour, Bytes: 1, Time: now},
		trace.Event{Kind: trace.HeadRead, Idle: time.Hour, Time: now},
		trace.Event{Kind: trace.HeadRead, Status: -1, Attempt: 1 << 20, Time: now},
		trace.Event{Kind: trace.HeadRead, Time: time.Unix(1, 2).UTC()},
		trace.Event{Kind: trace.CallDone, Err: uncomparable{1}, Status: 1 << 20, Time: now},
		// Without a reading of the monotonic clock, and an hour from the others: a wall
		// clock may be set between two readings, and be in another order than the former.
		trace.Event{Time: now.Add(time.Hour).Round(0)},
	)
	slices.SortStableFunc(events, func(a, b trace.Event) int { return a.Time.Compare(b.Time) })
	r := trace.NewRing(len(events))
	for _, e := range events {
		r.Record(e)
	}
	got := r.Events()
	for i, e := range events {
		if !reflect.DeepEqual(got[i], e) {
			t.Errorf("%d: %+v\nwant %+v", i, got[i], e)
		}
	}
}

// TestRingOrder: what comes late, as a call hands over several events at once, is put
// where it belongs.
func TestRingOrder(t *testing.T) {
	r := trace.NewRing(8)
	now := time.Now()
	for _, ms := range []int{1, 2, 5, 3, 4, 5} {
		r.Record(trace.Event{Call: uint64(len(r.Events())), Time: now.Add(time.Duration(ms) * time.Millisecond)})
	}
	var got []uint64
	for _, e := range r.Events() {
		got = append(got, e.Call)
	}
	if want := []uint64{0, 1, 3, 4, 2, 5}; !slices.Equal(got, want) {
		t.Errorf("%d, want %d", got, want)
	}
}

type uncomparable []int

func (uncomparable) Error() string { return "" }

// TestEventSize: an Event is copied a dozen times in each call.
func TestEventSize(t *testing.T) {
	if n := unsafe.Sizeof(trace.Event{}); n > 104 {
		t.Errorf("an Event has %d bytes", n)
	}
}

func TestRingZero(t *testing.T) {
	var r trace.Ring
	r.Record(trace.Event{Kind: trace.CallStart})
	r.Reset()
	if len(r.Events()) != 0 || r.Lost() != 0 {
		t.Error("it keeps something")
	}
}

// TestRingPairs: a step can be two events, and no more of them are told than the Ring
// is for.
func TestRingPairs(t *testing.T) {
	r := trace.NewRing(4)
	step := flight.Step[trace.Kind, trace.Reason, trace.Detail]{Call: 7, Conn: 8, Status: 200, At: 9, Err: errors.New("e")}
	start, done := step, step
	start.Kind, start.Then = trace.CallStart, trace.AttemptStart
	done.Kind, done.Then, done.Attempt = trace.AttemptDone, trace.CallDone, 1
	steps := []flight.Step[trace.Kind, trace.Reason, trace.Detail]{start, done}
	for range 3 {
		r.Flight().Keep(steps)
		var got []string
		for _, e := range r.Events() {
			if e.Call != 7 || e.Conn != 8 || e.Err != step.Err || e.Time.IsZero() {
				t.Errorf("%+v", e)
			}
			got = append(got, fmt.Sprint(e.Kind, e.Attempt, e.Status))
		}
		if want := "[call-start 0 0 attempt-start 1 200 attempt-done 1 0 call-done 1 200]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if r.Lost() != 8 {
		t.Errorf("%d lost, want 8 of 12", r.Lost())
	}
}
