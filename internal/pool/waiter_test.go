package pool

import (
	"testing"

	"sonde/trace"
)

// TestWaiterChecks: who asks for a connection that was looked at is given none that
// ended while it was handed on, and waits again for another.
func TestWaiterChecks(t *testing.T) {
	for name, careful := range map[string]func(*Want){"check": check, "retry": retry} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{MaxConnsPerOrigin: 1}, &fakeDialer{}, func(b *bed) {
				x := b.get()
				ch := b.later(b.Context(), careful)
				x.Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
				b.put(x.Conn)
				r := <-ch
				if r.err != nil || r.Conn == x.Conn || r.Reused {
					t.Fatalf("%+v", r)
				}
				b.ended(x.Conn, trace.ServerClosed)
				b.counts(0, 1, 0, 0)

				ch = b.later(b.Context(), careful)
				b.put(r.Conn)
				if next := <-ch; next.Conn != r.Conn || !next.Reused || r.Conn.link.(*fakeLink).checks.Load() != 1 {
					t.Errorf("%+v", next)
				}
				ch = b.later(b.Context())
				b.put(r.Conn)
				if next := <-ch; next.Conn != r.Conn || r.Conn.link.(*fakeLink).checks.Load() != 1 {
					t.Errorf("%+v, checked %d times", next, r.Conn.link.(*fakeLink).checks.Load())
				}
				b.put(r.Conn)
			})
		})
	}
}
