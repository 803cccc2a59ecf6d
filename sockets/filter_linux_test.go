package sockets

import (
	"math/rand/v2"
	"net"
	"testing"
)

// TestFiltersAgree compares the kernel's filtering with this package's own, on
// the same sockets: connections of every family, with 300 filters.
func TestFiltersAgree(t *testing.T) {
	table := open(t, SourceNetlink)
	var ports []uint16
	var ours []Filter
	for _, pair := range [][2]string{{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"::", "127.0.0.1"}} {
		stage := newStage(t, pair[0], nil)
		client, server := stage.pair(pair[1])
		noTimeWait(client, server)
		ends, _ := stage.pair(pair[1])
		ends.CloseWrite()
		reaches(t, table, local(ends), ends.RemoteAddr().(*net.TCPAddr).AddrPort(), FinWait2)
		ports = append(ports, stage.port(), local(client).Port())
		ours = append(ours, stage.filter())
	}
	mine := Or(ours...)
	all := list(t, table, Query{Filter: mine})
	if len(all) != 15 {
		t.Fatalf("%d sockets of this test, want 15", len(all))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 300 {
		filter := And(mine, randomFilter(r, i%5, ports))
		states := []StateSet{0, StatesOf(Established), StatesOf(Listen, FinWait2, CloseWait)}[i%3]
		family := []Family{0, IPv4, IPv6}[i%7%3]
		want := map[uint64]bool{}
		for _, s := range all {
			if filter.Match(&s) && states.orEvery().Has(s.State) && (family == 0 || family == s.Family) {
				want[s.Cookie] = true
			}
		}
		got := list(t, table, Query{Filter: filter, States: states, Family: family})
		for _, s := range got {
			if !want[s.Cookie] {
				t.Errorf("the kernel gives %v for %v", &s, filter)
			}
		}
		if len(got) != len(want) {
			t.Errorf("the kernel gives %d sockets for %v, want %d", len(got), filter, len(want))
		}
	}
}
