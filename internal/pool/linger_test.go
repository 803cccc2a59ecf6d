package pool

import (
	"context"
	"testing"
	"time"

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
