package pool

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/clock"
	"sonde/trace"
)

func TestQueueIsFIFO(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		var queue []<-chan result
		for range 5 {
			queue = append(queue, b.later(b.Context()))
		}
		b.counts(0, 1, 0, 5)
		for i, ch := range queue {
			b.put(x.Conn)
			b.counts(0, 1, 0, 4-i)
			if r := <-ch; r.Conn != x.Conn || !r.Reused || r.Idle != 0 {
				t.Errorf("%d: %+v", i, r)
			}
		}
		b.put(x.Conn)
		if st := b.Stats(); st.Waits != 5 || st.Opened != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestQueueHonoursTheContext(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		mine := errors.New("mine")
		ctx, cancel := context.WithCancelCause(b.Context())
		ch, next := b.later(ctx), b.later(b.Context())
		cancel(mine)
		r := <-ch
		if !isFault(r.err, mine) || !errors.Is(r.err, context.Canceled) || r.Conn != nil {
			t.Error(r.err)
		}
		b.counts(0, 1, 0, 1)
		b.put(x.Conn)
		if r := <-next; r.Conn != x.Conn {
			t.Errorf("%+v", r)
		}
	})
}

func TestQueueTimeoutSaysWhoHoldsTheSlots(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		time.Sleep(5 * time.Second)
		b.get(oneShot)
		until := func(w *Want) { w.Until = clock.Now() + int64(2*time.Second) }
		began := time.Now()
		b.later(b.Context())
		r := <-b.later(b.Context(), until)
		if !isFault(r.err, os.ErrDeadlineExceeded) || time.Since(began) != 2*time.Second {
			t.Error(r.err)
		}
		for _, part := range []string{
			"waited 2s for a connection to http://a:80: 2 in use (limit 2), 0 being dialed, 1 others waiting",
			"for 7s (request 1 on it)", "for 2s (request 1 on it)",
		} {
			if !strings.Contains(r.err.Error(), part) {
				t.Errorf("%q is not in %q", part, r.err)
			}
		}
		var timeout interface{ Timeout() bool }
		if !errors.As(r.err, &timeout) || !timeout.Timeout() {
			t.Error("no timeout")
		}
		b.put(x.Conn)
		r = <-b.later(b.Context(), func(w *Want) { w.Until = clock.Now() - 1 })
		if !isFault(r.err, os.ErrDeadlineExceeded) {
			t.Error(r.err)
		}
	})
}

// A waiter that is cancelled in the moment in which it is served gives back what
// it was given, whichever it sees first.
func TestCancelMeetsDelivery(t *testing.T) {
	for _, permit := range []bool{false, true} {
		inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
			for range 200 {
				x := b.get()
				ctx, cancel := context.WithCancel(b.Context())
				ch := b.later(ctx, func(w *Want) { w.OneShot = permit })
				go cancel()
				b.put(x.Conn)
				r := <-ch
				if r.err == nil {
					b.put(r.Conn)
				} else if !errors.Is(r.err, context.Canceled) {
					t.Fatal(r.err)
				}
				synctest.Wait()
				if _, active, dialing, waiting := b.count(); active+dialing+waiting != 0 {
					t.Fatalf("%+v", b.Stats())
				}
			}
		})
	}
}

// Directly on the state: the delivery is there before the waiter looks.
func TestDeliveryIsGivenBack(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		first, second := b.later(b.Context()), b.later(b.Context())
		pl := x.Conn.place
		pl.mu.Lock()
		w := pl.queue.first
		var td todo
		pl.release(x.Conn, 1, trace.NoReason, 0, clock.Now(), &td)
		pl.mu.Unlock()
		if w.state != delivered || pl.abandon(w, &td) {
			t.Error("not delivered")
		}
		b.giveUpDelivered(pl, w)
		if r := <-second; r.Conn != x.Conn || !r.Reused {
			t.Errorf("%+v", r)
		}
		if x.Conn.requests != 2 {
			t.Errorf("%d requests", x.Conn.requests)
		}
		w.err = errors.New("gone") // let its goroutine end
		w.ready <- struct{}{}
		<-first
	})
}

func (b *bed) giveUpDelivered(pl *Place, w *waiter) {
	var td todo
	pl.mu.Lock()
	pl.giveBack(w, clock.Now(), &td)
	pl.mu.Unlock()
	b.do(pl, &td, nil, nil)
}

func TestClosedConnectionLetsTheNextDial(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get()
		one, two := b.later(b.Context()), b.later(b.Context())
		b.kill(x.Conn, trace.ServerAsked)
		if r := <-one; r.Reused || r.Why != trace.AllBusy {
			t.Errorf("%+v", r)
		}
		b.Detach(y.Conn, trace.Upgraded, b.log)
		if r := <-two; r.Reused {
			t.Errorf("%+v", r)
		}
		y.Conn.link.Close(trace.Upgraded)
		if most := b.dialer.most.Load(); most > 3 { // one is detached
			t.Errorf("%d connections at once", most)
		}
	})
}

func TestFailedDialLetsTheNextDial(t *testing.T) {
	refused := errors.New("refused")
	d := &fakeDialer{delay: time.Second, err: refused}
	inBubble(t, Config{MaxConnsPerOrigin: 1}, d, func(b *bed) {
		one, two, three := b.later(b.Context()), b.later(b.Context()), b.later(b.Context())
		b.counts(0, 0, 1, 2)
		if r := <-one; r.err != refused {
			t.Error(r.err)
		}
		b.counts(0, 0, 1, 2)
		if r := <-two; r.err != refused {
			t.Error(r.err)
		}
		d.fail(nil)
		r := <-three
		if r.err != nil {
			t.Error(r.err)
		}
		b.counts(0, 1, 0, 0)
		b.put(r.Conn)
	})
}

func TestNoWaitDoesNotWait(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		x := b.get(noWait)
		b.get(noWait) // x could be freed, but a hedge wants its own
		if _, err := b.Acquire(b.Context(), b.want(noWait)); !isFault(err, ErrBusy) {
			t.Error(err)
		}
		b.put(x.Conn)
		if y := b.get(noWait); y.Conn != x.Conn {
			t.Errorf("%+v", y)
		}
	})
}

func TestOneShotInTheQueue(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		own, other := b.later(b.Context(), oneShot), b.later(b.Context())
		b.put(x.Conn) // the first in the queue needs its room
		r := <-own
		if r.Reused || r.Why != trace.OneShotAsked {
			t.Errorf("%+v", r)
		}
		b.ended(x.Conn, trace.EvictedOrigin)
		b.counts(0, 1, 0, 1)
		b.put(r.Conn)
		y := <-other
		if y.Reused || y.Why != trace.IdleEvicted {
			t.Errorf("%+v", y)
		}
		b.put(y.Conn)
		z := b.get(oneShot) // an idle one makes room
		b.ended(y.Conn, trace.EvictedOrigin)
		b.put(z.Conn)
		if most := b.dialer.most.Load(); most != 1 {
			t.Errorf("%d connections at once", most)
		}
	})
}

// Nothing of a one-shot connection will be freed: below the limit nobody waits
// for it, and nobody's dial goes to the pool for it.
func TestOneShotMakesNobodyWait(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x := b.get(oneShot)
		y := b.get()
		if y.Why != trace.FirstToRoute || b.Stats().Waits != 0 {
			t.Errorf("%+v", b.Stats())
		}
		b.put(x.Conn)
		b.put(y.Conn)
	})
}
