package sniff

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
)

func TestAppendDigits(t *testing.T) {
	check := func(v uint64) {
		if got := string(appendDigits([]byte("x"), v)); got != "x"+strconv.FormatUint(v, 10) {
			t.Errorf("%d is written as %s", v, got)
		}
	}
	check(0)
	check(math.MaxUint64)
	for power := uint64(1); power <= 1e19 && power != 0; power *= 10 {
		check(power - 1)
		check(power)
		check(power + 1)
		if power == 1e19 {
			break
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		check(r.Uint64() >> r.IntN(64))
	}
}

func TestAppendAddr(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b [4]byte
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		a := netip.AddrFrom4(b)
		if got := string(appendAddr(nil, a)); got != a.String() {
			t.Fatalf("%v is written as %s", a, got)
		}
	}
	for _, text := range []string{"::", "2001:db8::1", "::ffff:1.2.3.4"} {
		if got := string(appendAddr(nil, netip.MustParseAddr(text))); got != text {
			t.Errorf("%s is written as %s", text, got)
		}
	}
}
