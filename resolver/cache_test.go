package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sonde/resolver"
)

// source is a resolver that counts, and says what it is told to.
type source struct {
	mu    sync.Mutex
	asked []string
	ttl   time.Duration
	err   error
	wait  time.Duration
	ended int // look-ups whose context ended first
}

func (s *source) LookupTTL(ctx context.Context, network, host string) (resolver.Answer, error) {
	s.mu.Lock()
	s.asked = append(s.asked, network+" "+host)
	n, wait := len(s.asked), s.wait
	s.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended++
		return resolver.Answer{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return resolver.Answer{Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})}, TTL: s.ttl}, s.err
}

func (s *source) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	a, err := s.LookupTTL(ctx, network, host)
	return a.Addrs, err
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// plain hides that a source knows how long its answers hold.
type plain struct{ s *source }

func (p plain) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return p.s.LookupNetIP(ctx, network, host)
}

// look is what c says of host: the last byte of the address, or the error.
func look(c *resolver.Cache, network, host string) string {
	addrs, err := c.LookupNetIP(context.Background(), network, host)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(addrs[0].As4()[3])
}

func TestCacheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{ttl: time.Minute}
		c := resolver.NewCache(s, resolver.CacheConfig{})
		want := func(host, want string) {
			t.Helper()
			if got := look(c, "ip4", host); got != want {
				t.Errorf("%s: %s, want %s", host, got, want)
			}
		}
		want("a", "1")
		time.Sleep(time.Minute - 1)
		want("A", "1")
		if a, err := c.LookupTTL(t.Context(), "ip4", "a"); err != nil || a.TTL != 1 {
			t.Error("left of the TTL:", a.TTL, err)
		}
		time.Sleep(time.Nanosecond)
		want("a", "2")
		want("b", "3")
		if got := look(c, "ip6", "b"); got != "4" {
			t.Error("both families share an answer:", got)
		}
		s.ttl = 100 * time.Hour
		want("long", "5")
		time.Sleep(time.Hour)
		want("long", "6")
		s.ttl = 0
		want("once", "7")
		want("once", "8")
		c.Forget("LONG")
		want("long", "9")
		s.ttl = time.Hour
		want("kept", "10")
		c.Forget("")
		want("kept", "11")
		if st := c.Stats(); st != (resolver.CacheStats{Entries: 1, Hits: 2, Misses: 11}) {
			t.Errorf("%+v", st)
		}

		s.ttl = 0
		d := resolver.NewCache(plain{s}, resolver.CacheConfig{TTL: 5 * time.Second})
		first := look(d, "ip4", "x")
		time.Sleep(5*time.Second - 1)
		if look(d, "ip4", "x") != first {
			t.Error("not kept for CacheConfig.TTL")
		}
		time.Sleep(time.Nanosecond)
		if look(d, "ip4", "x") == first {
			t.Error("kept for longer than CacheConfig.TTL")
		}
	})
}

// TestCacheOwnership: what a caller does to its addresses stays with it.
func TestCacheOwnership(t *testing.T) {
	c := resolver.NewCache(&source{ttl: time.Hour}, resolver.CacheConfig{})
	for range 3 {
		addrs, err := c.LookupNetIP(context.Background(), "ip4", "a")
		if err != nil || addrs[0].String() != "10.0.0.1" {
			t.Fatal(addrs, err)
		}
		addrs[0] = netip.IPv6Loopback()
	}
}

func TestCacheNegative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := &net.DNSError{Err: "no such host", IsNotFound: true}
		s := &source{ttl: time.Hour, err: none}
		c := resolver.NewCache(s, resolver.CacheConfig{})
		for range 3 {
			if _, err := c.LookupNetIP(t.Context(), "ip4", "a"); !errors.Is(err, none) {
				t.Error(err)
			}
		}
		if s.count() != 1 {
			t.Error(s.count(), "look-ups")
		}
		time.Sleep(10 * time.Second)
		look(c, "ip4", "a")
		if s.count() != 2 {
			t.Error("kept for more than 10 s")
		}
		s.ttl = 3 * time.Second // of the zone's SOA
		look(c, "ip4", "b")
		time.Sleep(3 * time.Second)
		look(c, "ip4", "b")
		if s.count() != 4 {
			t.Error("kept for longer than its TTL")
		}
		s.err = errors.New("server failure")
		look(c, "ip4", "c")
		look(c, "ip4", "c")
		if s.count() != 6 {
			t.Error("a failure was kept")
		}
		s.err, s.ttl = none, time.Hour
		c = resolver.NewCache(s, resolver.CacheConfig{Negative: -1})
		look(c, "ip4", "a")
		look(c, "ip4", "a")
		if s.count() != 8 {
			t.Error("kept although it was not to be")
		}
	})
}

func TestCacheSize(t *testing.T) {
	s := &source{ttl: time.Hour}
	c := resolver.NewCache(s, resolver.CacheConfig{Size: 3})
	for _, host := range []string{"a", "b", "c", "a", "d", "a", "c", "b"} {
		look(c, "ip4", host)
	}
	// b went for d, then d for b.
	if want := []string{"ip4 a", "ip4 b", "ip4 c", "ip4 d", "ip4 b"}; !slices.Equal(s.asked, want) {
		t.Error(s.asked)
	}
	if n := c.Stats().Entries; n != 3 {
		t.Error(n, "entries")
	}
}

func TestCacheMerges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{ttl: time.Hour, wait: time.Second}
		c := resolver.NewCache(s, resolver.CacheConfig{})
		first, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		var all sync.WaitGroup
		all.Go(func() { // the one that starts the look-up does not wait for it
			if _, err := c.LookupNetIP(first, "ip4", "a"); !errors.Is(err, gone) {
				t.Error(err)
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() {
				if got := look(c, "ip4", "a"); got != "1" {
					t.Error(got)
				}
			})
		}
		synctest.Wait()
		cancel(gone)
		all.Wait()
		if s.count() != 1 || s.ended != 0 {
			t.Error(s.count(), "look-ups,", s.ended, "cut short")
		}
		if st := c.Stats(); st.Merged != 10 || st.Misses != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestCacheGivesUp: a look-up that nobody waits for any more ends, and the next
// caller has one of its own.
func TestCacheGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{ttl: time.Hour, wait: time.Hour}
		c := resolver.NewCache(s, resolver.CacheConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.LookupNetIP(ctx, "ip4", "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		s.mu.Lock()
		s.wait = 0
		s.mu.Unlock()
		if got := look(c, "ip4", "a"); got != "2" {
			t.Error(got)
		}
		synctest.Wait()
		if s.ended != 1 {
			t.Error("the look-up goes on")
		}
	})
}

func TestCacheStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{ttl: time.Minute}
		c := resolver.NewCache(s, resolver.CacheConfig{Stale: time.Hour})
		want := func(want string, asked int) {
			t.Helper()
			if got := look(c, "ip4", "a"); got != want || s.count() != asked {
				t.Errorf("%s after %d look-ups, want %s after %d", got, s.count(), want, asked)
			}
		}
		want("1", 1)
		s.err = errors.New("server failure")
		time.Sleep(time.Minute)
		want("1", 2)
		want("1", 2) // the resolver is left alone for a while
		time.Sleep(30 * time.Second)
		want("1", 3)
		s.err = &net.DNSError{Err: "no such host", IsNotFound: true} // that is an answer
		time.Sleep(30 * time.Second)
		want("lookup : no such host", 4)
		s.err = nil
		time.Sleep(time.Minute)
		want("5", 5)
		s.err = errors.New("server failure")
		time.Sleep(time.Hour + time.Minute)
		want("server failure", 6)
		if n := c.Stats().Stale; n != 3 {
			t.Error(n, "stale answers")
		}
	})
}

// TestCacheConcurrent is for the race detector.
func TestCacheConcurrent(t *testing.T) {
	c := resolver.NewCache(&source{ttl: time.Millisecond}, resolver.CacheConfig{Size: 5, Stale: time.Second})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				look(c, "ip4", fmt.Sprint((i*j)%7))
				if j%50 == 0 {
					c.Forget("3")
					c.Stats()
				}
			}
		})
	}
	all.Wait()
	if n := c.Stats().Entries; n > 5 {
		t.Error(n, "entries")
	}
}
