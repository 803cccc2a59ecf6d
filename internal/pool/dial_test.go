package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/event"
	"sonde/internal/message"
	"sonde/trace"
)

func TestFreedConnectionComesFirst(t *testing.T) {
	for _, row := range []struct {
		name    string
		cfg     Config
		idle    int // afterwards
		cancels int64
		ends    trace.Reason
	}{
		{"the dial is kept", Config{}, 1, 0, 0},
		{"no room for it", Config{MaxIdlePerOrigin: 1}, 1, 0, 0},
		{"no room in total", Config{MaxIdle: 1}, 1, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, row.cfg, &fakeDialer{delay: time.Second}, func(b *bed) {
				x := b.get()
				ch := b.later(b.Context())
				b.counts(0, 1, 1, 1)
				b.put(x.Conn)
				if r := <-ch; r.Conn != x.Conn || !r.Reused {
					t.Errorf("%+v", r)
				}
				b.counts(0, 1, 1, 0)
				time.Sleep(2 * time.Second)
				b.counts(row.idle, 1, 0, 0)
			})
		})
	}
}

func TestDialNobodyWantsIsCancelled(t *testing.T) {
	inBubble(t, Config{MaxIdlePerOrigin: 1}, &fakeDialer{delay: time.Second}, func(b *bed) {
		x, y := b.get(), b.get(noWait)
		ch := b.later(b.Context())
		b.put(y.Conn) // served, and one more would be kept
		<-ch
		b.counts(0, 2, 1, 0)
		ch = b.later(b.Context()) // counts on the dial that is there
		b.counts(0, 2, 1, 1)
		b.put(x.Conn)
		<-ch
		b.put(y.Conn) // now that one is full
		b.counts(1, 1, 1, 0)
		time.Sleep(2 * time.Second)
		b.counts(1, 1, 0, 0)
		// The sweeper's round falls into the same moment: where it has the idle one
		// out to ask it, that is the one too many when it comes back.
		if st := b.Stats(); st.Reasons[trace.DialNotWanted]+st.Reasons[trace.EvictedOrigin] != 1 {
			t.Errorf("%v", st.Reasons.Map())
		}
		// Served while nothing more would be kept: cancelled at once.
		b.get()
		ch = b.later(b.Context())
		z := b.get(noWait)
		b.Acquire(b.Context(), b.want(noWait))
		b.put(z.Conn)
		<-ch
	})
}

func TestDialOfOneWhoHasGone(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		x := b.get()
		ctx, cancel := context.WithCancel(b.Context())
		one := b.later(ctx)
		b.counts(0, 1, 1, 1)
		cancel()
		<-one
		b.counts(0, 1, 0, 0) // nobody else wants it
		if b.dialer.cancels.Load() != 1 {
			t.Error("not cancelled")
		}

		ctx, cancel = context.WithCancel(b.Context())
		one, two := b.later(ctx), b.later(b.Context())
		b.counts(0, 1, 2, 2)
		cancel()
		<-one
		b.counts(0, 1, 1, 1)
		r := <-two
		if r.err != nil || r.Reused {
			t.Errorf("%+v", r)
		}
		b.put(r.Conn)
		b.put(x.Conn)
	})
}

// Somebody counts on a dial whose starter has gone: its result is his.
func TestOrphanServesTheFirstWaiter(t *testing.T) {
	for _, fail := range []error{nil, errors.New("refused")} {
		d := &fakeDialer{delay: time.Second}
		inBubble(t, Config{MaxConnsPerOrigin: 2}, d, func(b *bed) {
			x := b.get()
			ctx, cancel := context.WithCancel(b.Context())
			one := b.later(ctx)
			two := b.later(b.Context()) // no room for a dial of its own
			b.counts(0, 1, 1, 2)
			cancel()
			<-one
			b.counts(0, 1, 1, 1)
			d.fail(fail)
			r := <-two
			if r.err != fail || fail == nil && r.Why != trace.AllBusy {
				t.Errorf("%+v", r)
			}
			if d.dials.Load() != 2 || d.cancels.Load() != 0 {
				t.Errorf("%d dials", d.dials.Load())
			}
			b.put(x.Conn)
		})
	}
}

func TestOrphanIsDroppedWithTheLastWhoCountedOnIt(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{delay: time.Second}, func(b *bed) {
		b.get()
		ctx, cancel := context.WithCancel(b.Context())
		ctx2, cancel2 := context.WithCancel(b.Context())
		one, two := b.later(ctx), b.later(ctx2)
		cancel()
		<-one
		cancel2()
		<-two
		b.counts(0, 1, 0, 0)
	})
}

func TestDialsAreAtMostWaiters(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		x := b.get()
		for range 10 {
			ch := b.later(b.Context()) // each one counts on the first one's dial
			b.put(x.Conn)
			<-ch
		}
		b.counts(0, 1, 1, 0)
		if n := b.dialer.dials.Load(); n != 2 {
			t.Errorf("%d dials", n)
		}
	})
}

func TestDialKeepsValuesAndIsBounded(t *testing.T) {
	type key struct{}
	slow := make(chan context.Context, 1)
	inBubble(t, Config{DialTimeout: 30 * time.Second}, &fakeDialer{}, func(b *bed) {
		b.get()
		ctx, cancel := context.WithTimeout(context.WithValue(b.Context(), key{}, 7), time.Second)
		defer cancel()
		began := time.Now()
		one := b.later(ctx, func(w *Want) { w.Dialer = blackHole(slow) })
		dialing := <-slow
		if dialing.Value(key{}) != 7 {
			t.Error("the values are lost")
		}
		<-one
		if synctest.Wait(); dialing.Err() == nil {
			t.Error("nobody wants it, but it goes on")
		}
		three := b.later(b.Context(), func(w *Want) { w.Dialer, w.OneShot = blackHole(slow), true })
		<-slow
		b.Close() // ends a dial on a caller's goroutine too
		if r := <-three; !isFault(r.err, ErrClosed) {
			t.Error(r.err)
		}
		if time.Since(began) > 2*time.Second {
			t.Error(time.Since(began))
		}
	})
	inBubble(t, Config{DialTimeout: 30 * time.Second}, &fakeDialer{}, func(b *bed) {
		b.get()
		began := time.Now()
		r := <-b.later(b.Context(), func(w *Want) { w.Dialer = blackHole(slow) })
		<-slow
		if !errors.Is(r.err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
			t.Error(r.err)
		}
	})
}

// blackHole never answers.
type blackHole chan context.Context

func (h blackHole) Dial(ctx context.Context, _ message.Route, _ trace.Reason, _ *event.Log) (Link, error) {
	h <- ctx
	<-ctx.Done()
	return nil, ctx.Err()
}

// A dial that is cancelled too late still counts, and is not lost.
func TestDialDeafToItsContext(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{delay: time.Second, deaf: true}, func(b *bed) {
		b.get()
		ctx, cancel := context.WithCancel(b.Context())
		one := b.later(ctx)
		cancel()
		<-one
		b.counts(0, 1, 1, 0)
		two := b.later(b.Context()) // no room until the dropped one is over
		b.counts(0, 1, 1, 1)
		if r := <-two; r.err != nil || b.dialer.dials.Load() != 2 {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
	})
}

func TestWarm(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 50, MaxIdle: 40}, &fakeDialer{delay: time.Second}, func(b *bed) {
		b.put(b.get().Conn)
		began := time.Now()
		n, err := b.Warm(b.Context(), b.want(), 20)
		if n != 20 || err != nil || b.dialer.dials.Load() != 20 || time.Since(began) != 2*time.Second {
			t.Error(n, err, time.Since(began))
		}
		if st := b.Stats(); st.Reasons[trace.Warming] != 19 || st.Idle != 20 {
			t.Errorf("%+v", st)
		}
		if n, err := b.Warm(b.Context(), b.want(), 5); n != 20 || err != nil {
			t.Error(n, err)
		}
		if n, err := b.Warm(b.Context(), b.want(), 60); n != 40 || err == nil {
			t.Error(n, err)
		}
		b.counts(40, 0, 0, 0)

		ctx, cancel := context.WithTimeout(b.Context(), time.Millisecond)
		defer cancel()
		b.CloseIdle()
		if n, err := b.Warm(ctx, b.want(), 3); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(n, err)
		}
		refused := errors.New("refused")
		b.dialer.fail(refused)
		if n, err := b.Warm(b.Context(), b.want(), 3); n != 0 || err != refused {
			t.Error(n, err)
		}
		b.Close()
		if _, err := b.Warm(b.Context(), b.want(), 3); !isFault(err, ErrClosed) {
			t.Error(err)
		}
	})
}
