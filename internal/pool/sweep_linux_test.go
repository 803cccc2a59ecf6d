package pool

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sonde/trace"
)

func TestSweepPolls(t *testing.T) {
	inBubble(t, Config{}, &fakeDialer{}, func(b *bed) {
		var peers []int
		var all []Got
		for range 10 {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pair[0])
			peers = append(peers, pair[1])
			g := b.get()
			g.Conn.link.(*fakeLink).fd = pair[0]
			all = append(all, g)
		}
		for _, g := range all {
			b.put(g.Conn)
		}
		all[2].Conn.link.(*fakeLink).dead.Store(int32(trace.ServerClosed))
		for i, fd := range peers {
			if i != 5 {
				defer unix.Close(fd)
			}
			if i == 2 || i == 4 { // 4: bytes that Check forgives
				unix.Write(fd, []byte("x"))
			}
		}
		unix.Close(peers[5])
		all[5].Conn.link.(*fakeLink).dead.Store(int32(trace.TLSAlert))
		time.Sleep(1500 * time.Millisecond)
		b.counts(8, 0, 0, 0)
		b.ended(all[2].Conn, trace.ServerClosed)
		b.ended(all[5].Conn, trace.TLSAlert)
		for i, g := range all {
			if n := g.Conn.link.(*fakeLink).checks.Load(); n != 0 && i != 2 && i != 4 && i != 5 {
				t.Errorf("%d was asked %d times", i, n)
			}
		}
	})
}
