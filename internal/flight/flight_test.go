package flight

import (
	"fmt"
	"testing"
	"unsafe"
)

// TestKeep: many steps at once are kept as one after the other, around the end of the
// Ring too, and if they are more than it has room for.
func TestKeep(t *testing.T) {
	for _, size := range []int{1, 3, 4, 7} {
		one, all := New[uint8, uint8, int](size), New[uint8, uint8, int](size)
		var id uint64
		for n := range 17 {
			steps := make([]Step[uint8, uint8, int], n)
			for i := range steps {
				id++
				steps[i].Call = id
				one.Keep(steps[i : i+1])
			}
			all.Keep(steps)
			if got, want := fmt.Sprint(all.Steps(), all.Lost()), fmt.Sprint(one.Steps(), one.Lost()); got != want {
				t.Fatalf("%d of %d: %s\nwant %s", n, size, got, want)
			}
		}
	}
}

// TestSize: a step is a line of the cache, and no two share one.
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(Step[uint8, uint8, int]{}); n != 64 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a Step has %d bytes", n)
	}
}
