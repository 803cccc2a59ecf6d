package message

import (
	"strings"
	"testing"

	"sonde/internal/race"
)

// TestASCIIHost: what is ASCII needs no tables, and no memory; and what has no end, as a
// redirect may, is refused before it takes time.
func TestASCIIHost(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { ASCIIHost("www.xn--bcher-kva.example") }); n > 0 && !race.Enabled {
		t.Errorf("%v allocations", n)
	}
	var all strings.Builder
	for r := rune(0x3400); r < 0x9f00; r++ {
		all.WriteRune(r)
	}
	// An A-label of as many takes seconds to make.
	if _, err := ASCIIHost(all.String()); err == nil || !strings.Contains(err.Error(), "1023 characters") {
		t.Errorf("a host of %d bytes: %.100v", all.Len(), err)
	}
}
