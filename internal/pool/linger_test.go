package pool

import (
	"context"
	"testing"
	"time"

	"sonde/internal/clock"
	"sonde/trace"
)

func linger(w *Want) { w.Linger = true }

// TestLingeringDial: a dial goes on when its caller has left, and its connection
// serves the next one, who has begun a dial of its own.
func TestLingeringDial(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		ctx, cancel := context.WithCancel(b.Context())
		gone := b.later(ctx, linger)
		time.Sleep(time.Second / 2)
		cancel()
		if r := <-gone; !isFault(r.err, context.Canceled) {
			t.Error(r.err)
		}
		b.counts(0, 0, 1, 0)
		began := time.Now()
		ch := b.later(b.Context(), linger)
		b.counts(0, 0, 2, 1)
		r := <-ch
		if r.err != nil || r.at.Sub(began) != time.Second/2 {
			t.Error(r.err, r.at.Sub(began))
		}
		b.put(r.Conn)
		time.Sleep(time.Second)
		b.counts(2, 0, 0, 0)
	})
}

// TestLingeringDialNotKept: where its connection could not stay idle, the dial ends
// with its caller.
func TestLingeringDialNotKept(t *testing.T) {
	inBubble(t, Config{MaxIdlePerOrigin: 1}, &fakeDialer{delay: time.Second}, func(b *bed) {
		x, y := b.get(), b.get(noWait)
		b.put(y.Conn)
		y = b.get()
		ctx, cancel := context.WithCancel(b.Context())
		gone := b.later(ctx, linger)
		b.put(x.Conn)
		<-gone
		gone = b.later(ctx, linger, to("b"))
		cancel()
		<-gone
		b.put(y.Conn)
		time.Sleep(2 * time.Second)
		if idle, _, dialing, _ := b.count(); idle > 2 || dialing != 0 {
			t.Error(idle, dialing)
		}
	})
}

// TestSpareDial: a dial whose caller was served by another connection is not
// cancelled, and serves the next caller in place of a dial of its own; but not one
// that has been under way for long.
func TestSpareDial(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		dials int64
	}{{freshDial / 2, 2}, {2 * freshDial, 3}} {
		inBubble(t, Config{MaxIdlePerOrigin: 1}, &fakeDialer{delay: time.Second}, func(b *bed) {
			now := func(w *Want) { w.Now = clock.Now() }
			x := b.get(linger, now)
			first := b.later(b.Context(), linger, now)
			b.put(x.Conn)
			if r := <-first; r.Conn != x.Conn {
				t.Fatal("the connection that came free does not serve who waits")
			}
			time.Sleep(row.after)
			second := b.later(b.Context(), linger, now)
			if n := b.dialer.dials.Load(); n != row.dials {
				t.Errorf("after %v: %d dials, want %d", row.after, n, row.dials)
			}
			y := <-second
			b.put(x.Conn)
			b.put(y.Conn)
			time.Sleep(2 * time.Second)
			b.counts(1, 0, 0, 0)
			if n := b.dialer.cancels.Load(); n != 0 {
				t.Errorf("after %v: %d dials were cancelled", row.after, n)
			}
		})
	}
}

// TestDialNotBegun: a dial whose caller is served before its goroutine runs is none.
func TestDialNotBegun(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		var s state
		s.cfg, s.per = &Config{}, 1
		w := &waiter{want: b.want(linger), ctx: b.Context()}
		s.queue.push(w)
		d := s.dialFor(w)
		s.deliver(w, new(todo))
		pl := &Place{pool: b.Pool, state: s}
		b.run(pl, d)
		if n := b.dialer.dials.Load(); n != 0 || len(pl.dials) != 0 || pl.coming != 0 || pl.spares != 0 {
			t.Errorf("%d dials; %d left, %d coming, %d spare", n, len(pl.dials), pl.coming, pl.spares)
		}
	})
}

// TestCloseIdleEndsSpareDial: a dial that nobody waits for ends with what is idle.
func TestCloseIdleEndsSpareDial(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		x := b.get(linger)
		served := b.later(b.Context(), linger)
		b.put(x.Conn)
		b.put((<-served).Conn)
		b.counts(1, 0, 1, 0)
		b.CloseIdle()
		b.counts(0, 0, 0, 0)
	})
}

// TestKeepOld: past the limit the connection that came last ends.
func TestKeepOld(t *testing.T) {
	for _, keep := range []bool{false, true} {
		inBubble(t, Config{MaxIdlePerOrigin: 1, KeepOld: keep}, &fakeDialer{}, func(b *bed) {
			x, y := b.get(), b.get(noWait)
			b.put(x.Conn)
			b.put(y.Conn)
			b.counts(1, 0, 0, 0)
			if keep {
				b.ended(x.Conn, 0)
				b.ended(y.Conn, trace.EvictedOrigin)
			} else {
				b.ended(x.Conn, trace.EvictedOrigin)
				b.ended(y.Conn, 0)
			}
		})
	}
}

// TestCloseIdleEndsSweeper: with the last idle connection the sweeper ends at once.
func TestCloseIdleEndsSweeper(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		b.put(b.get().Conn)
		b.counts(1, 0, 0, 0)
		if !b.sweeping.Load() {
			t.Error("nobody sweeps")
		}
		b.CloseIdle()
		b.counts(0, 0, 0, 0)
		if b.sweeping.Load() {
			t.Error("the sweeper stays")
		}
		b.put(b.get().Conn)
		b.counts(1, 0, 0, 0)
		if !b.sweeping.Load() {
			t.Error("nobody sweeps any more")
		}
	})
}
