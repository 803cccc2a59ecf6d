package pool

import (
	"fmt"
	"testing"
	"time"

	"sonde/trace"
)

func TestIdleLimits(t *testing.T) {
	for _, row := range []struct {
		name  string
		cfg   Config
		hosts []string // put back one a second
		ends  map[int]trace.Reason
	}{
		{"none", Config{}, []string{"a", "a", "b"}, nil},
		{"per origin", Config{MaxIdlePerOrigin: 1}, []string{"a", "b", "a"}, map[int]trace.Reason{0: trace.EvictedOrigin}},
		{"total", Config{MaxIdle: 2}, []string{"a", "b", "c", "b"}, map[int]trace.Reason{0: trace.EvictedTotal, 1: trace.EvictedTotal}},
		{"total on one route", Config{MaxIdle: 1}, []string{"a", "a"}, map[int]trace.Reason{0: trace.EvictedTotal}},
		{"both", Config{MaxIdle: 2, MaxIdlePerOrigin: 1}, []string{"a", "b", "b", "c"},
			map[int]trace.Reason{0: trace.EvictedTotal, 1: trace.EvictedOrigin}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, row.cfg, &fakeDialer{}, func(b *bed) {
				var got []Got
				for _, h := range row.hosts {
					got = append(got, b.get(to(h)))
				}
				for _, g := range got {
					time.Sleep(time.Millisecond)
					b.put(g.Conn)
				}
				for i, g := range got {
					b.ended(g.Conn, row.ends[i])
				}
				b.counts(len(row.hosts)-len(row.ends), 0, 0, 0)
			})
		})
	}
}

func TestEvictionSamplesManyRoutes(t *testing.T) {
	inBubble(t, Config{MaxIdle: 100}, &fakeDialer{}, func(b *bed) {
		for i := range 1000 {
			b.put(b.get(to(fmt.Sprint(i))).Conn)
			time.Sleep(time.Millisecond)
		}
		st := b.Stats()
		if st.Idle != 100 || st.Reasons[trace.EvictedTotal] != 900 {
			t.Errorf("%+v", st)
		}
		// Approximately the least recently used ones have gone.
		late := 0
		for i := range b.Conns() {
			if time.Since(i.IdleSince) < 250*time.Millisecond {
				late++
			}
		}
		if late < 60 {
			t.Errorf("only %d of the 100 idle ones are of the last 250", late)
		}
	})
}

func TestEmptyPlacesAreForgotten(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		first := b.want(to("0"))
		cached := b.want(func(w *Want) { w.Route = first.Route })
		place, err := b.place(cached)
		if err != nil {
			t.Fatal(err)
		}
		busy := b.get(to("busy"))
		for i := range 5000 {
			b.kill(b.get(to(fmt.Sprint(i))).Conn, trace.ServerAsked)
		}
		st := b.Stats()
		if st.Routes > 3*minPlaces || st.Misses != 5001 || st.Closed != 5000 {
			t.Errorf("%d routes, %d misses", st.Routes, st.Misses)
		}
		if !place.dead {
			t.Error("the first one should have gone")
		}
		// One who still has the dead place finds the new one.
		a := place.take(cached, nil, 1)
		if a.verdict != askAgain {
			t.Fatal(a.verdict)
		}
		g, err := b.acquire(b.Context(), cached, place, a, 1)
		if err != nil || g.Conn.place == place || g.Conn.place != b.places[first.Route] {
			t.Error("not looked up again")
		}
		if busy.Conn.place.dead {
			t.Error("one in use was forgotten")
		}
	})
}

func TestShared(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{slots: 3}, func(b *bed) {
		x, y, z := b.get(), b.get(), b.get()
		if y.Conn != x.Conn || z.Conn != x.Conn || !y.Reused || y.Idle != 0 {
			t.Errorf("%+v %+v", y, z)
		}
		v := b.get(noWait)
		if v.Conn == x.Conn || v.Why != trace.AllBusy {
			t.Errorf("%+v", v)
		}
		l := x.Conn.link.(*fakeLink)
		b.get()
		b.get()
		one, two := b.later(b.Context()), b.later(b.Context())
		b.counts(0, 2, 0, 2)
		l.slots.Store(5) // the server allows more
		b.Changed(x.Conn)
		if r, s := <-one, <-two; r.Conn != x.Conn || s.Conn != x.Conn {
			t.Errorf("%+v %+v", r, s)
		}
		l.slots.Store(1) // and fewer: five are under way
		b.Changed(x.Conn)
		for range 4 {
			b.put(x.Conn)
		}
		one = b.later(b.Context())
		b.counts(0, 2, 0, 1)
		b.put(x.Conn)
		if r := <-one; r.Conn != x.Conn {
			t.Errorf("%+v", r)
		}
		b.put(x.Conn)
		b.counts(1, 1, 0, 0)
	})
}

// One that takes nothing new neither counts nor makes others wait.
func TestDraining(t *testing.T) {
	for _, row := range []struct {
		name  string
		drain func(b *bed, c *Conn)
		end   trace.Reason
	}{
		{"slots are gone", func(b *bed, c *Conn) {
			c.link.(*fakeLink).slots.Store(0)
			b.Changed(c)
			b.put(c)
		}, trace.GoAway},
		{"one exchange said so", func(b *bed, c *Conn) { b.kill(c, trace.ServerAsked) }, trace.ServerAsked},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{slots: 2}, func(b *bed) {
				x := b.get()
				b.get()
				one := b.later(b.Context())
				row.drain(b, x.Conn)
				if r := <-one; r.err != nil || r.Conn == x.Conn {
					t.Errorf("%+v", r)
				}
				for i := range b.Conns() {
					if (i.State == Draining) != (i.ID == x.Conn.ID()) {
						t.Errorf("%+v", i)
					}
				}
				b.ended(x.Conn, 0)
				b.put(x.Conn)
				b.ended(x.Conn, row.end)
				b.counts(0, 1, 0, 0)
			})
		})
	}
}

// Where connections are shared, those who come together need no dial each.
func TestDialsOfASharedRoute(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{slots: 10, delay: time.Second}, func(b *bed) {
		b.kill(b.get().Conn, trace.GoAway) // the pool knows now
		var all []<-chan result
		for range 25 {
			all = append(all, b.later(b.Context()))
		}
		b.counts(0, 0, 3, 24)
		for _, ch := range all {
			if r := <-ch; r.err != nil {
				t.Error(r.err)
			}
		}
		if n := b.dialer.dials.Load(); n != 4 {
			t.Errorf("%d dials", n)
		}
	})
}
