package pool

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sonde/trace"
)

func sweeps() bool {
	buf := make([]byte, 1<<20)
	return strings.Contains(string(buf[:runtime.Stack(buf, true)]), "(*Pool).sweeper")
}

func TestSweeperLivesWhileSomethingIsIdle(t *testing.T) {
	inBubble(t, Config{IdleTimeout: time.Minute}, &fakeDialer{}, func(b *bed) {
		for range 2 {
			x := b.get()
			if sweeps() {
				t.Error("sweeps over nothing")
			}
			b.put(x.Conn)
			time.Sleep(59 * time.Second)
			if synctest.Wait(); !sweeps() {
				t.Error("does not sweep")
			}
			b.counts(1, 0, 0, 0)
			time.Sleep(2100 * time.Millisecond)
			b.counts(0, 0, 0, 0)
			b.ended(x.Conn, trace.IdleTimeout)
			if sweeps() {
				t.Error("still sweeps")
			}
		}
	})
}

func TestServerHint(t *testing.T) {
	for _, row := range []struct {
		hint, end time.Duration
	}{
		{time.Second, 800 * time.Millisecond},
		{5 * time.Second, 4 * time.Second},
		{time.Minute, 59 * time.Second},
		{24 * time.Hour, 6553500 * time.Millisecond}, // never later
		{time.Nanosecond, 100 * time.Millisecond},
	} {
		if end := time.Duration(packHint(row.hint)) * hintUnit; end != row.end {
			t.Errorf("hint %v: %v, want %v", row.hint, end, row.end)
		}
	}
	inBubble(t, Config{IdleTimeout: time.Minute}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		b.Release(x.Conn, 0, 10*time.Second, 0, nil)
		b.get()
		b.put(x.Conn) // says nothing: what was said holds
		time.Sleep(8 * time.Second)
		b.counts(1, 0, 0, 0)
		time.Sleep(2100 * time.Millisecond)
		b.ended(x.Conn, trace.ServerHint)
	})
}

func TestMaxAgeHasJitter(t *testing.T) {
	inBubble(t, Config{MaxAge: 100 * time.Second}, &fakeDialer{}, func(b *bed) {
		var all []Got
		for range 50 {
			all = append(all, b.get())
		}
		for _, g := range all {
			b.put(g.Conn)
		}
		time.Sleep(89500 * time.Millisecond)
		b.counts(50, 0, 0, 0)
		time.Sleep(6 * time.Second)
		if n := b.Stats().Idle; n == 0 || n == 50 {
			t.Errorf("%d are left in the middle", n)
		}
		time.Sleep(6 * time.Second)
		b.counts(0, 0, 0, 0)
		b.ended(all[0].Conn, trace.MaxAge)
	})
}

// Without a descriptor each one is asked now and then.
func TestSweepAsksThoseWithoutDescriptor(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		var all []Got
		for range 20 {
			all = append(all, b.get())
			time.Sleep(time.Millisecond)
		}
		for _, g := range all {
			b.put(g.Conn)
			time.Sleep(time.Millisecond)
		}
		all[3].Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
		time.Sleep(askEvery*time.Second + 500*time.Millisecond)
		b.counts(19, 0, 0, 0)
		for _, g := range all {
			if n := g.Conn.link.(*fakeLink).checks.Load(); n != 1 {
				t.Errorf("%d checks", n)
			}
		}
		// The order is as it was.
		for i := 19; i >= 0; i-- {
			if i != 3 {
				if g := b.get(); g.Conn != all[i].Conn {
					t.Fatalf("not LIFO at %d", i)
				}
			}
		}
	})
}
