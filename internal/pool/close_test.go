package pool

import (
	"testing"
	"time"

	"sonde/trace"
)

func TestCloseEndsEverything(t *testing.T) {
	inBubble(t, Config{MaxConnsPerOrigin: 2}, &fakeDialer{}, func(b *bed) {
		idle := b.get(to("b"))
		b.put(idle.Conn)
		x, y := b.get(), b.get(oneShot)
		waiting := b.later(b.Context())
		b.Close()
		b.ended(idle.Conn, trace.ClosedByUser)
		b.ended(x.Conn, trace.ClosedByUser)
		if !x.Conn.link.(*fakeLink).abort.Load() || idle.Conn.link.(*fakeLink).abort.Load() {
			t.Error("in use: aborted; idle: closed")
		}
		if r := <-waiting; !isFault(r.err, ErrClosed) {
			t.Error(r.err)
		}
		for _, f := range []func(*Want){to("a"), to("new"), oneShot} {
			if _, err := b.Acquire(b.Context(), b.want(f)); !isFault(err, ErrClosed) {
				t.Error(err)
			}
		}
		b.kill(x.Conn, trace.Canceled) // their calls notice, later
		b.put(y.Conn)
		b.Close()
		if st := b.Stats(); st.Reasons[trace.ClosedByUser] != 3 || st.Closed != 3 {
			t.Errorf("%v", st.Reasons.Map())
		}
	})
}

func TestCloseIdle(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get()
		b.put(x.Conn)
		b.CloseIdle()
		b.ended(x.Conn, trace.ClosedByUser)
		b.ended(y.Conn, trace.NoReason)
		b.put(y.Conn)
		if g := b.get(); g.Conn != y.Conn {
			t.Errorf("%+v", g)
		}
	})
}

func TestConns(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		x, y := b.get(), b.get(to("b"))
		time.Sleep(time.Second)
		b.put(x.Conn)
		n := 0
		for i := range b.Conns() {
			n++
			want := Info{ID: x.Conn.ID(), Route: route("a"), Link: x.Conn.Link(), State: Idle, Why: x.Why, Requests: 1}
			if i.ID == y.Conn.ID() {
				want = Info{ID: y.Conn.ID(), Route: route("b"), Link: y.Conn.Link(), State: Active, Why: y.Why, Requests: 1, Exchanges: 1}
			} else if !i.IdleSince.Equal(time.Now()) {
				t.Error(i.IdleSince)
			}
			if time.Since(i.Created) != time.Second {
				t.Error(i.Created)
			}
			i.Created, i.IdleSince = time.Time{}, time.Time{}
			if i != want {
				t.Errorf("%+v", i)
			}
		}
		for range b.Conns() {
			n++
			break
		}
		if n != 3 {
			t.Error(n)
		}
	})
}
