package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"sonde"
	"sonde/resolver"
)

// hosts is a resolver of fixed names.
type hosts map[string]string

func (h hosts) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	fmt.Println("asked for", host)
	return []netip.Addr{netip.MustParseAddr(h[host])}, nil
}

func ExampleCache() {
	cache := resolver.NewCache(hosts{"a.example": "192.0.2.1"}, resolver.CacheConfig{TTL: time.Minute})
	for range 3 {
		addrs, err := cache.LookupNetIP(context.Background(), "ip4", "a.example")
		fmt.Println(addrs, err)
	}
	fmt.Println(cache.Stats().Hits)
	// Output:
	// asked for a.example
	// [192.0.2.1] <nil>
	// [192.0.2.1] <nil>
	// [192.0.2.1] <nil>
	// 2
}

// A client that looks names up by DNS over HTTPS and keeps the answers for as long
// as they hold.
func ExampleDoH() {
	doh, err := resolver.NewDoH("https://dns.example/dns-query{?dns}", resolver.DoHConfig{
		Bootstrap: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer doh.Close()
	client, err := sonde.New(sonde.Config{Resolver: resolver.NewCache(doh, resolver.CacheConfig{Stale: time.Hour})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	addrs, err := doh.LookupNetIP(context.Background(), "ip6", "localhost") // nobody is asked for that
	fmt.Println(addrs, err)
	// Output: [::1] <nil>
}

// fixed is a resolver that says how long its answers hold.
type fixed map[string]resolver.Answer

func (f fixed) LookupTTL(_ context.Context, network, host string) (resolver.Answer, error) {
	return f[host], nil
}

func (f fixed) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	return f[host].Addrs, nil
}

func ExampleAnswer() {
	cache := resolver.NewCache(fixed{
		"once.example": resolver.Answer{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
		"kept.example": resolver.Answer{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}, TTL: time.Minute},
	}, resolver.CacheConfig{})
	for _, host := range []string{"once.example", "once.example", "kept.example", "kept.example"} {
		if _, err := cache.LookupNetIP(context.Background(), "ip4", host); err != nil {
			fmt.Println(err)
		}
	}
	var stats resolver.CacheStats = cache.Stats()
	fmt.Println(stats.Entries, stats.Hits, stats.Misses)
	// Output: 1 1 3
}

// Answers that say how long they hold come from LookupTTL.
func ExampleTTL() {
	var r resolver.TTL = resolver.NewCache(hosts{"a.example": "192.0.2.1"}, resolver.CacheConfig{TTL: time.Hour, Most: time.Minute})
	answer, err := r.LookupTTL(context.Background(), "ip4", "a.example")
	fmt.Println(answer.Addrs, answer.TTL, err)
	// Output:
	// asked for a.example
	// [192.0.2.1] 1m0s <nil>
}
