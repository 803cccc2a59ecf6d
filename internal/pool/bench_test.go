package pool

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"sonde/internal/clock"
	"sonde/trace"
)

func benchConfig() Config {
	return Config{MaxIdle: 4096, MaxIdlePerOrigin: 4096, IdleTimeout: 90 * time.Second}
}

// BenchmarkClock is what one reading costs; a hit takes one on each side.
func BenchmarkClock(b *testing.B) {
	var n int64
	for b.Loop() {
		n = clock.Now()
	}
	_ = n
}

func BenchmarkHit(b *testing.B) {
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("cached=%v", cached), func(b *testing.B) {
			p := New(benchConfig())
			defer p.Close()
			w := &Want{Route: route("a"), Dialer: &fakeDialer{}}
			if cached {
				w.Place = new(atomic.Pointer[Place])
			}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				g, _ := p.Acquire(ctx, w)
				p.Release(g.Conn, trace.NoReason, 0, 0, nil)
			}
		})
	}
}

// BenchmarkHitParallel has 256 goroutines on one route, or each on one of many.
func BenchmarkHitParallel(b *testing.B) {
	for _, routes := range []int{1, 256} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			p := New(benchConfig())
			defer p.Close()
			wants := make([]*Want, routes)
			for i := range wants {
				wants[i] = &Want{Route: route(fmt.Sprint(i)), Dialer: &fakeDialer{}, Place: new(atomic.Pointer[Place])}
			}
			ctx := context.Background()
			var next atomic.Int64
			b.SetParallelism(128) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				w := wants[int(next.Add(1))%routes]
				for pb.Next() {
					g, _ := p.Acquire(ctx, w)
					p.Release(g.Conn, trace.NoReason, 0, 0, nil)
				}
			})
		})
	}
}

// BenchmarkQueue is a connection handed from goroutine to goroutine.
func BenchmarkQueue(b *testing.B) {
	cfg := benchConfig()
	cfg.MaxConnsPerOrigin = 1
	p := New(cfg)
	defer p.Close()
	w := &Want{Route: route("a"), Dialer: &fakeDialer{}, Place: new(atomic.Pointer[Place])}
	ctx := context.Background()
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g, _ := p.Acquire(ctx, w)
			p.Release(g.Conn, trace.NoReason, 0, 0, nil)
		}
	})
}

// BenchmarkSweep is one round over 10,000 idle connections, without the poll.
func BenchmarkSweep(b *testing.B) {
	p := New(Config{})
	defer p.Close()
	w := &Want{Route: route("a"), Dialer: &fakeDialer{}}
	var all []Got
	for range 10000 {
		g, _ := p.Acquire(context.Background(), w)
		all = append(all, g)
	}
	for _, g := range all {
		p.Release(g.Conn, trace.NoReason, 0, 0, nil)
	}
	r := round{}
	b.ReportAllocs()
	for b.Loop() {
		r.number = 3 // asks an eighth of them
		r.run(p)
	}
}

func BenchmarkMiss(b *testing.B) {
	for _, busy := range []bool{false, true} {
		b.Run(fmt.Sprintf("busy=%v", busy), func(b *testing.B) {
			p := New(Config{DialTimeout: time.Minute})
			defer p.Close()
			link := &fakeLink{fd: -1, dialer: &fakeDialer{}}
			link.slots.Store(1)
			link.abort.Store(true)
			w := &Want{Route: route("a"), Dialer: sameLink{link}, Place: new(atomic.Pointer[Place])}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if busy {
				g, _ := p.Acquire(ctx, w)
				defer p.Release(g.Conn, trace.ServerAsked, 0, 0, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				g, _ := p.Acquire(ctx, w)
				p.Release(g.Conn, trace.ServerAsked, 0, 0, nil)
			}
		})
	}
}
