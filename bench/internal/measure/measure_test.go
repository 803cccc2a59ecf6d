package measure

import (
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values         []float64
		median, spread float64
	}{
		{nil, 0, 0},
		{[]float64{3}, 3, 0},
		{[]float64{4, 2}, 3, .5},
		{[]float64{5, 1, 3, 2, 4}, 3, 1},
		{[]float64{1, 1, 1, 1, 100}, 1, 0}, // one outlier changes nothing
	} {
		if m, s := Median(tt.values); m != tt.median || s != tt.spread {
			t.Errorf("Median(%v) = %v, %v; want %v, %v", tt.values, m, s, tt.median, tt.spread)
		}
	}
}

func TestHist(t *testing.T) {
	var h, other Hist
	if h.Quantile(.5) != 0 {
		t.Error("of nothing")
	}
	for i := int64(1); i <= 500; i++ {
		h.Add(i * 1000)
		other.Add((i + 500) * 1000)
	}
	h.Merge(&other)
	for q, want := range map[float64]float64{0: 1e3, .5: 500e3, .99: 990e3, 1: 1e6} {
		if got := h.Quantile(q); math.Abs(got-want) > .04*want {
			t.Errorf("quantile %v of 1 to 1000 µs: %v", q, got)
		}
	}
}

// TestBuckets: every value has a bucket whose middle is near it.
func TestBuckets(t *testing.T) {
	for v := uint64(1); v < 1<<62; v += v/7 + 1 {
		i := bucket(v)
		if i < 0 || i >= buckets || math.Abs(middle(i)-float64(v)) > float64(v)/subs {
			t.Fatalf("%d is in bucket %d, which stands for %v", v, i, middle(i))
		}
	}
}

func TestFigure(t *testing.T) {
	for _, tt := range []struct {
		f    Figure
		want string
	}{
		{NewFigure("x", .954, 0, AtLeast(.95)), ".95 ✓ (≥ .95)"},
		{NewFigure("x", .944, .012, AtLeast(.95)), "**.94 ±.01** ✗ (≥ .95)"},
		{NewFigure("x", .0, 0, Allocs(0)), "0 ✓ (≤ 0)"},
		{NewFigure("x", .04, 0, Allocs(0)), ".04 ✓ (≤ 0)"},
		{NewFigure("x", .1, 0, Allocs(0)), "**.1** ✗ (≤ 0)"},
		{NewFigure("x", 4.1, 0, nil), "4.1"},
		{NewFigure("x", 26099.7, 12, nil), "26100"},
		{NewFigure("x", 45.04, 0, nil), "45"},
	} {
		if got := tt.f.String(); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.f.Value, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	lines := []Line{
		{Client: "raw", Figures: []Figure{{Name: "a", Value: 1}}},
		{Client: "other", Figures: []Figure{{Name: "a", Value: 2}, {Name: "b", Value: 3}}},
		{Client: "third", Note: "failed: a|b"},
	}
	var b strings.Builder
	WriteTable(&b, lines)
	want := "| client | a | b | note |\n| --- | --- | --- | --- |\n| raw | 1 |  |  |\n| other | 2 | 3 |  |\n| third |  |  | failed: a\\|b |\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestRun: a client that takes twice as long has half of the rate, its
// allocations are its own, and one that fails leaves the others alone.
func TestRun(t *testing.T) {
	var sink atomic.Pointer[[100]byte]
	client := func(name string, d time.Duration, err error) Client {
		return Client{Name: name, Op: func(int) (func() error, error) {
			return func() error {
				time.Sleep(d)
				if name == "slow" {
					sink.Store(new([100]byte))
				}
				return err
			}, nil
		}}
	}
	l := Load{Workers: 2, Warm: 1, Slice: 60 * time.Millisecond, MinRounds: 3, MaxRounds: 3, Ref: "raw",
		Targets: map[string]Targets{"slow": {Rate: AtLeast(.95), Allocs: Allocs(1)}}}
	lines := Run(l, []Client{
		client("raw", 5*time.Millisecond, nil),
		client("slow", 10*time.Millisecond, nil),
		client("broken", 0, errors.New("oh")),
		{Name: "unmade", Op: func(int) (func() error, error) { return nil, errors.New("no") }},
	})
	if len(lines) != 4 || lines[2].Note != "failed: oh" || lines[3].Note != "failed: no" {
		t.Fatalf("%+v", lines)
	}
	var slow Line = lines[1]
	for _, f := range slow.Figures {
		switch {
		case f.Name == "÷ raw" && (f.Value < .3 || f.Value > .8 || !f.Missed):
			t.Errorf("the slow one has %+v", f)
		case f.Name == "p50 µs" && f.Value < 9e3:
			t.Errorf("the slow one has %+v", f)
		}
	}
	if Missed(lines) < 1 {
		t.Error("nothing missed")
	}
}

func TestLoops(t *testing.T) {
	var kept []byte
	results := Loops(0, []Loop{
		{Name: "sleeps", Run: func(n int) { time.Sleep(time.Duration(n) * time.Millisecond) }},
		{Name: "allocates", Run: func(n int) {
			for range n {
				kept = make([]byte, 100)
			}
		}},
	})
	if kept == nil || len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	if r := results[0]; r.Nanos < 1e6 || r.Allocs > .5 {
		t.Errorf("a loop that sleeps for a millisecond: %+v", r)
	}
	if r := results[1]; r.Nanos <= 0 || r.Allocs < .99 || r.Allocs > 1.1 {
		t.Errorf("a loop that allocates once: %+v", r)
	}
}
