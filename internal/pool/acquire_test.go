package pool

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"sonde/internal/event"
	"sonde/internal/message"
	"sonde/trace"
)

func TestSizeOfConn(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 88 {
		t.Errorf("a Conn has %d bytes", n)
	}
}

func TestHitIsLIFO(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get()
		if x.Reused || y.Reused || x.Why != trace.FirstToRoute || y.Why != trace.AllBusy {
			t.Errorf("%+v %+v", x, y)
		}
		b.put(y.Conn)
		time.Sleep(time.Millisecond)
		b.put(x.Conn)
		time.Sleep(300 * time.Millisecond)
		z := b.get()
		if z.Conn != x.Conn || !z.Reused || z.Idle != 300*time.Millisecond || z.Why != trace.NoReason {
			t.Errorf("%+v", z)
		}
		b.counts(1, 1, 0, 0)
		b.put(z.Conn)
		if st := b.Stats(); st.Hits != 1 || st.Misses != 2 || st.Opened != 2 || st.Reasons[trace.AllBusy] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestEventsOfOneConnection(t *testing.T) {
	inBubble(t, Config{IdleTimeout: time.Minute}, &fakeDialer{}, func(b *bed) {
		got := b.get()
		b.put(got.Conn)
		b.put(b.get().Conn)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		var kinds []trace.Kind
		for _, e := range b.tape.events {
			kinds = append(kinds, e.Kind)
			if e.Conn != got.Conn.ID() || e.Host() != "a" || (e.Kind == trace.ConnClosed) != (e.Call == 0) {
				t.Errorf("%+v", e)
			}
		}
		if !slices.Equal(kinds, []trace.Kind{trace.ConnOpened, trace.ConnPut, trace.ConnPut, trace.ConnClosed}) {
			t.Error(kinds)
		}
	})
}

func TestRoutesDoNotMix(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		var place atomic.Pointer[Place]
		w := b.want(func(w *Want) { w.Place = &place })
		x, _ := b.Acquire(b.Context(), w)
		b.put(x.Conn)
		w.Route = route("b") // the cached place is another route's
		y, _ := b.Acquire(b.Context(), w)
		if y.Reused || place.Load().route != w.Route {
			t.Error("took a connection of another route")
		}
		b.put(y.Conn)
		other := New(Config{}) // or another pool's
		defer other.Close()
		z, _ := other.Acquire(b.Context(), w)
		if z.Reused || place.Load().pool != other {
			t.Error("took a connection of another pool")
		}
		other.Release(z.Conn, trace.NoReason, 0, 0, nil)
	})
}

func TestCheckBeforeReuse(t *testing.T) {
	for _, row := range []struct {
		name   string
		idle   time.Duration
		change func(*Want)
		checks int32
	}{
		{"fresh", 900 * time.Millisecond, func(*Want) {}, 0},
		{"not fresh", 1900 * time.Millisecond, func(*Want) {}, 1},
		{"fresh, not replayable", 0, check, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, Config{CheckAfter: 1500 * time.Millisecond}, &fakeDialer{}, func(b *bed) {
				x := b.get()
				l := x.Conn.link.(*fakeLink)
				b.put(x.Conn)
				time.Sleep(row.idle)
				before := l.checks.Load() // the sweeper's own
				y := b.get(row.change)
				if y.Conn != x.Conn || !y.Reused || y.Idle != row.idle || l.checks.Load()-before != row.checks {
					t.Errorf("%+v after %d checks", y, l.checks.Load()-before)
				}
				b.put(y.Conn)
			})
		})
	}
}

// TestRetryIsFresh: after a dead connection a call gets a new one, and where there is no
// room one that was checked.
func TestRetryIsFresh(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		b.put(x.Conn)
		y := b.get(retry)
		if y.Reused || y.Why != trace.RetryOfDead {
			t.Errorf("%+v", y)
		}
		l := x.Conn.link.(*fakeLink)
		before := l.checks.Load()
		z := b.get(retry)
		if z.Conn != x.Conn || l.checks.Load() != before+1 {
			t.Errorf("%+v after %d checks", z, l.checks.Load()-before)
		}
		b.put(y.Conn)
		b.put(z.Conn)
	})
}

func TestDeadIdleOnesAreSkipped(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 3}, &fakeDialer{}, func(b *bed) {
		x, y, z := b.get(), b.get(), b.get()
		for _, g := range []Got{x, y, z} {
			b.put(g.Conn)
		}
		y.Conn.link.(*fakeLink).dead.Store(int32(trace.TLSAlert))
		z.Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
		if g := b.get(check); g.Conn != x.Conn {
			t.Errorf("%+v", g)
		}
		b.ended(z.Conn, trace.ServerClosed)
		b.ended(y.Conn, trace.TLSAlert)
		b.counts(0, 1, 0, 0)
		if g := b.get(); g.Why != trace.AllBusy {
			t.Error(g.Why)
		}
	})
}

// Each row ends the only connection in its own way; the next one tells.
func TestStory(t *testing.T) {
	idle := func(d time.Duration) func(b *bed, c *Conn) {
		return func(b *bed, c *Conn) { b.put(c); time.Sleep(d) }
	}
	found := func(r trace.Reason) func(b *bed, c *Conn) {
		return func(b *bed, c *Conn) {
			c.link.(*fakeLink).dead.Store(int32(r))
			b.put(c)
			time.Sleep(20 * time.Second)
		}
	}
	killed := func(r trace.Reason) func(b *bed, c *Conn) {
		return func(b *bed, c *Conn) { b.kill(c, r) }
	}
	for _, row := range []struct {
		name   string
		end    func(b *bed, c *Conn)
		change func(*Want)
		ended  trace.Reason
		why    trace.Reason
	}{
		{"in use", func(b *bed, c *Conn) {}, nil, 0, trace.AllBusy},
		{"server closed", found(trace.ServerClosed), nil, trace.ServerClosed, trace.IdleClosedByServer},
		{"tls alert", found(trace.TLSAlert), nil, trace.TLSAlert, trace.IdleClosedByServer},
		{"bytes", found(trace.UnsolicitedBytes), nil, trace.UnsolicitedBytes, trace.IdleClosedByServer},
		{"idle timeout", idle(61 * time.Second), nil, trace.IdleTimeout, trace.IdleExpired},
		{"hint", func(b *bed, c *Conn) {
			b.Release(c, 0, 5*time.Second, 0, nil)
			time.Sleep(5100 * time.Millisecond)
		}, nil, trace.ServerHint, trace.IdleExpired},
		{"age", func(b *bed, c *Conn) {
			for range 10 {
				b.put(c)
				time.Sleep(50500 * time.Millisecond)
				if b.Stats().Idle == 0 {
					return
				}
				b.get()
			}
		}, nil, trace.MaxAge, trace.IdleAged},
		{"age at release", func(b *bed, c *Conn) { time.Sleep(time.Hour); b.put(c) }, nil, trace.MaxAge, trace.IdleAged},
		{"evicted", func(b *bed, c *Conn) {
			b.put(c)
			for _, host := range []string{"b", "c"} {
				time.Sleep(time.Millisecond)
				b.put(b.get(to(host)).Conn)
			}
		}, nil, trace.EvictedTotal, trace.IdleEvicted},
		{"user", func(b *bed, c *Conn) { b.put(c); b.CloseIdle() }, nil, trace.ClosedByUser, trace.IdleClosedByUser},
		{"asked", killed(trace.ServerAsked), nil, trace.ServerAsked, trace.PreviousNotReused},
		{"canceled", killed(trace.Canceled), nil, trace.Canceled, trace.PreviousNotReused},
		{"upgraded", func(b *bed, c *Conn) {
			b.Detach(c, trace.Upgraded, b.log)
			c.link.Close(trace.Upgraded) // its new owner
		}, nil, trace.Upgraded, trace.PreviousNotReused},
		{"one-shot", idle(0), oneShot, 0, trace.OneShotAsked},
		{"retry", killed(trace.ServerClosedInUse), retry, trace.ServerClosedInUse, trace.RetryOfDead},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := Config{IdleTimeout: time.Minute, MaxAge: 5 * time.Minute, MaxIdle: 2}
			inBubble(t, cfg, &fakeDialer{}, func(b *bed) {
				x := b.get()
				row.end(b, x.Conn)
				b.ended(x.Conn, row.ended)
				if row.change == nil {
					row.change = func(*Want) {}
				}
				if y := b.get(row.change); y.Why != row.why || y.Reused {
					t.Errorf("why: %v, want %v", y.Why, row.why)
				}
			})
		})
	}
}

func TestExpiredIsNeverReused(t *testing.T) {
	// The sweeper's next look is not due yet.
	inBubble(t, Config{IdleTimeout: 3900 * time.Millisecond}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		b.put(x.Conn)
		time.Sleep(3900 * time.Millisecond)
		if y := b.get(); y.Conn == x.Conn || y.Why != trace.IdleExpired {
			t.Errorf("%+v", y)
		}
	})
}

func TestOneShotIsNotGivenToOthers(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		idle := b.get()
		b.put(idle.Conn)
		x := b.get(oneShot)
		if x.Conn == idle.Conn || x.Why != trace.OneShotAsked {
			t.Errorf("%+v", x)
		}
		b.put(x.Conn)
		b.ended(x.Conn, trace.OneShot)
		y := b.get(oneShot)
		b.kill(y.Conn, trace.ServerAsked) // its own end is known better
		b.ended(y.Conn, trace.ServerAsked)
		if z := b.get(); z.Conn != idle.Conn {
			t.Error("the idle one was lost")
		}
		if n := len(b.tape.reasons(trace.ConnPut)); n != 1 {
			t.Errorf("%d puts", n)
		}
	})
}

func TestDialErrorIsPassedOn(t *testing.T) {
	broken := errors.New("broken")
	d := &fakeDialer{err: broken}
	inBubble(t, Config{MaxConnsPerOrigin: 1}, d, func(b *bed) {
		for range 3 {
			if _, err := b.Acquire(b.Context(), b.want()); err != broken {
				t.Error(err)
			}
		}
		if st := b.Stats(); st.DialErrors != 3 || st.Opened != 0 {
			t.Errorf("%+v", st)
		}
		d.fail(nil)
		if g := b.get(); g.Why != trace.FirstToRoute {
			t.Error(g.Why)
		}
	})
}

func TestPanicOfDialerLosesNoRoom(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			b.Acquire(b.Context(), &Want{Route: route("a"), Dialer: nil})
		}()
		b.counts(0, 0, 0, 0)
		b.get()
	})
}

func TestReleaseTwicePanics(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x := b.get()
		b.put(x.Conn)
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		b.put(x.Conn)
	})
}

func TestCallerDialsForItselfWhereNothingCanBeFreed(t *testing.T) {
	type key struct{}
	inBubble(t, Config{}, &fakeDialer{delay: time.Second}, func(b *bed) {
		ctx, cancel := context.WithCancel(context.WithValue(b.Context(), key{}, 1))
		time.AfterFunc(time.Millisecond, cancel)
		// Its own context ends its dial.
		if _, err := b.Acquire(ctx, b.want()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if b.dialer.cancels.Load() != 1 || b.Stats().Waits != 0 {
			t.Error("the dial was left to the pool")
		}
	})
}

func TestHitDoesNotAllocate(t *testing.T) {
	p := New(Config{MaxIdle: 10, MaxIdlePerOrigin: 10, IdleTimeout: time.Minute, MaxAge: time.Hour})
	defer p.Close()
	var place atomic.Pointer[Place]
	w := &Want{Route: route("a"), Dialer: &fakeDialer{}, Place: &place}
	ctx := context.Background()
	hit := func() {
		g, err := p.Acquire(ctx, w)
		if err != nil {
			t.Fatal(err)
		}
		p.Release(g.Conn, trace.NoReason, 5*time.Second, 0, nil)
	}
	hit()
	if raceOn {
		t.Skip("counts differ under -race")
	}
	if n := testing.AllocsPerRun(1000, hit); n != 0 {
		t.Errorf("%v allocations", n)
	}
	w.Place = nil
	if n := testing.AllocsPerRun(1000, hit); n != 0 {
		t.Errorf("%v allocations without a cached place", n)
	}
}

// What the pool adds to a dial: for a connection per request, and for one that
// may outlive its caller.
func TestMissAllocatesLittle(t *testing.T) {
	if raceOn {
		t.Skip("counts differ under -race")
	}
	p := New(Config{DialTimeout: time.Minute})
	defer p.Close()
	var place atomic.Pointer[Place]
	link := &fakeLink{fd: -1, dialer: &fakeDialer{}}
	link.slots.Store(1)
	link.abort.Store(true) // may be closed again and again
	d := sameLink{link}
	w := &Want{Route: route("a"), Dialer: d, Place: &place}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	miss := func() {
		g, err := p.Acquire(ctx, w)
		if err != nil {
			t.Fatal(err)
		}
		p.Release(g.Conn, trace.ServerAsked, 0, 0, nil)
	}
	miss()
	if n := testing.AllocsPerRun(1000, miss); n > 5 {
		t.Errorf("%v allocations on the caller's goroutine", n)
	} else {
		t.Logf("%v allocations on the caller's goroutine", n)
	}
	busy, _ := p.Acquire(ctx, w) // from now on something could be freed
	n := testing.AllocsPerRun(1000, miss)
	if t.Logf("%v allocations on the pool's goroutine", n); n > 12 {
		t.Errorf("%v allocations on the pool's goroutine", n)
	}
	p.Release(busy.Conn, trace.ServerAsked, 0, 0, nil)
}

type sameLink struct{ *fakeLink }

func (s sameLink) Dial(context.Context, message.Route, trace.Reason, *event.Log) (Link, error) {
	return s.fakeLink, nil
}
