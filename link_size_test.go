package sonde

import (
	"testing"
	"unsafe"
)

// TestSizeOfLink: past 176 bytes the allocator takes 192 for each, and shares the
// spans with what calls need for a moment: 50 bytes of holes more.
func TestSizeOfLink(t *testing.T) {
	if n := unsafe.Sizeof(link{}); n > 176 {
		t.Errorf("a link has %d bytes", n)
	}
}
