package message

// classifyAVX2 is classifyAny, 32 bytes at a time. It reads 64*blocks bytes.
//
//go:noescape
func classifyAVX2(text *byte, blocks int, m *masks)

// asksAVX2 asks processor and system whether there is AVX2. A question of our own
// costs a program 17 KB less than golang.org/x/sys/cpu, which asks for everything.
func asksAVX2() bool

var hasAVX2 = asksAVX2()

func classify(text *byte, blocks int, m *masks) {
	if hasAVX2 {
		classifyAVX2(text, blocks, m)
	} else {
		classifyAny(text, blocks, m)
	}
}
