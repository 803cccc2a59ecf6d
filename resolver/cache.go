// Package resolver has resolvers for Config.Resolver: one that keeps answers for as
// long as they hold, and one that asks by DNS over HTTPS.
//
//	doh, err := resolver.NewDoH("https://dns.example/dns-query", resolver.DoHConfig{
//		Bootstrap: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
//	})
//	cfg.Resolver = resolver.NewCache(doh, resolver.CacheConfig{})
//
// A client needs neither to be fast: it looks names up for new connections only.
package resolver

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"sonde"
)

// Answer is what a name means, and for how long.
type Answer struct {
	Addrs []netip.Addr
	TTL   time.Duration // 0: for this once
}

// TTL is a resolver that says how long its answers hold. With an error that says
// that there is no such name (a *net.DNSError with IsNotFound) the Answer has no
// addresses, and the TTL says how long that holds.
type TTL interface {
	LookupTTL(ctx context.Context, network, host string) (Answer, error)
}

// CacheConfig says how a Cache works. Of the durations and the size 0 is the
// default.
type CacheConfig struct {
	// Size is how many answers are kept at most; those that were not asked for
	// longest go first. 0: 1000.
	Size int

	// TTL is how long an answer holds that a resolver without TTL gave. 0: 30 s.
	TTL time.Duration

	// Most bounds how long an answer holds, whatever its TTL is. 0: 1 h.
	Most time.Duration

	// Negative bounds how long it is believed that there is no such name. 0: 10 s.
	// Negative: it is not kept.
	Negative time.Duration

	// Stale is for how long an answer that holds no longer is given all the same
	// where the resolver fails (RFC 8767). 0: never.
	Stale time.Duration
}

// recheck is how long a resolver that failed is left alone while there is a stale
// answer (RFC 8767 §5).
const recheck = 30 * time.Second

// Cache is a resolver that keeps the answers of another. Several look-ups of one
// name at the same time are one. It is safe for concurrent use.
type Cache struct {
	from sonde.Resolver
	cfg  CacheConfig

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	order   list.List             // the last one used first
	flights map[key]*flight
	stats   CacheStats
}

// CacheStats counts what became of look-ups.
type CacheStats struct {
	Entries int    // kept now
	Hits    uint64 // answered at once
	Misses  uint64 // the resolver was asked
	Merged  uint64 // waited for the same look-up of another caller
	Stale   uint64 // answered although the answer held no longer
}

type key struct{ network, host string }

// entry is an answer that is kept.
type entry struct {
	key    key
	answer Answer
	err    error // there is no such name
	until  time.Time
	again  time.Time // a failed resolver is not asked before
}

// flight is a look-up under way.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	answer  Answer
	err     error
}

// NewCache keeps the answers of r; nil is net.DefaultResolver. If r has LookupTTL
// (see TTL), that is what is asked.
func NewCache(r sonde.Resolver, cfg CacheConfig) *Cache {
	if r == nil {
		r = net.DefaultResolver
	}
	if cfg.Size <= 0 {
		cfg.Size = 1000
	}
	if cfg.TTL <= 0 {
		cfg.TTL = 30 * time.Second
	}
	if cfg.Most <= 0 {
		cfg.Most = time.Hour
	}
	if cfg.Negative == 0 {
		cfg.Negative = 10 * time.Second
	}
	return &Cache{from: r, cfg: cfg, entries: map[key]*list.Element{}, flights: map[key]*flight{}}
}

// LookupNetIP returns the addresses of host, of one family: network is "ip4" or
// "ip6". They are the caller's.
func (c *Cache) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	a, err := c.LookupTTL(ctx, network, host)
	return a.Addrs, err
}

// LookupTTL is LookupNetIP; the TTL is what is left of it.
func (c *Cache) LookupTTL(ctx context.Context, network, host string) (Answer, error) {
	k := key{network, strings.ToLower(host)}
	c.mu.Lock()
	if e := c.get(k); e != nil {
		now := time.Now()
		if now.Before(e.until) || now.Before(e.again) && now.Before(e.until.Add(c.cfg.Stale)) {
			c.stats.Hits++
			if !now.Before(e.until) {
				c.stats.Stale++
			}
			defer c.mu.Unlock()
			return Answer{slices.Clone(e.answer.Addrs), max(e.until.Sub(now), 0)}, e.err
		}
	}
	f := c.flights[k]
	if f == nil {
		c.stats.Misses++
		f = c.start(ctx, k, host)
	} else {
		c.stats.Merged++
	}
	f.waiters++
	c.mu.Unlock()
	return c.wait(ctx, f)
}

// start looks k up, on a goroutine that lasts until there is an answer or nobody
// waits any more. c.mu is held.
func (c *Cache) start(ctx context.Context, k key, host string) *flight {
	// The first caller's values, but not its end: others may wait with it.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	c.flights[k] = f
	go func() {
		defer cancel()
		answer, err := c.ask(own, k.network, host)
		c.mu.Lock()
		f.answer, f.err = c.keep(k, answer, err)
		if c.flights[k] == f {
			delete(c.flights, k)
		}
		c.mu.Unlock()
		close(f.done)
	}()
	return f
}

// wait waits for f, or for the end of ctx.
func (c *Cache) wait(ctx context.Context, f *flight) (Answer, error) {
	select {
	case <-f.done:
		return Answer{slices.Clone(f.answer.Addrs), f.answer.TTL}, f.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		for k, other := range c.flights { // nobody else shall wait for it
			if other == f {
				delete(c.flights, k)
			}
		}
	}
	return Answer{}, context.Cause(ctx)
}

// ask asks the resolver.
func (c *Cache) ask(ctx context.Context, network, host string) (Answer, error) {
	if r, ok := c.from.(TTL); ok {
		return r.LookupTTL(ctx, network, host)
	}
	addrs, err := c.from.LookupNetIP(ctx, network, host)
	return Answer{addrs, c.cfg.TTL}, err
}

// keep keeps an answer for as long as it holds, and returns what those who wait
// get. c.mu is held.
func (c *Cache) keep(k key, a Answer, err error) (Answer, error) {
	now := time.Now()
	most := c.cfg.Most
	if err != nil {
		if most = c.cfg.Negative; !notFound(err) {
			return c.stale(k, now, err)
		}
		a.Addrs = nil
	}
	a.TTL = min(a.TTL, most)
	if a.TTL <= 0 {
		c.remove(k)
		return Answer{Addrs: a.Addrs}, err
	}
	c.put(&entry{key: k, answer: a, err: err, until: now.Add(a.TTL)})
	return a, err
}

// stale is what there is although the resolver failed, or its failure. c.mu is
// held.
func (c *Cache) stale(k key, now time.Time, failure error) (Answer, error) {
	e := c.get(k)
	if e == nil || e.err != nil || !now.Before(e.until.Add(c.cfg.Stale)) {
		return Answer{}, failure
	}
	e.again = now.Add(recheck)
	c.stats.Stale++
	return Answer{Addrs: e.answer.Addrs}, nil
}

// get returns the entry of k, and makes it the last one used. c.mu is held.
func (c *Cache) get(k key) *entry {
	el := c.entries[k]
	if el == nil {
		return nil
	}
	c.order.MoveToFront(el)
	return el.Value.(*entry)
}

func (c *Cache) put(e *entry) {
	c.remove(e.key)
	c.entries[e.key] = c.order.PushFront(e)
	for c.order.Len() > c.cfg.Size {
		c.remove(c.order.Back().Value.(*entry).key)
	}
}

func (c *Cache) remove(k key) {
	if el := c.entries[k]; el != nil {
		c.order.Remove(el)
		delete(c.entries, k)
	}
}

// Forget drops what is known of host; "" drops everything. Look-ups under way are
// not touched.
func (c *Cache) Forget(host string) {
	host = strings.ToLower(host)
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.entries {
		if host == "" || k.host == host {
			c.remove(k)
		}
	}
}

// Stats returns the counters.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Entries = c.order.Len()
	return s
}

// notFound reports whether err says that there is no such name, or that it has no
// address of the family.
func notFound(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound
}
