package message

import "golang.org/x/sys/cpu"

// classifyAVX2 is classifyAny, 32 bytes at a time. It reads 64*blocks bytes.
//
//go:noescape
func classifyAVX2(text *byte, blocks int, m *masks)

var hasAVX2 = cpu.X86.HasAVX2

func classify(text *byte, blocks int, m *masks) {
	if hasAVX2 {
		classifyAVX2(text, blocks, m)
	} else {
		classifyAny(text, blocks, m)
	}
}
