package message

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// TestAsksAVX2: the question is put rightly.
func TestAsksAVX2(t *testing.T) {
	if got := asksAVX2(); got != cpu.X86.HasAVX2 {
		t.Error("AVX2:", got)
	}
}
