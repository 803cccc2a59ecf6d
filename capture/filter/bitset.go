package filter

// bitset is a set of small numbers; all sets of one kind have the same length.
type bitset []uint64

func bitsetWords(n int) int { return n/64 + 1 }

func (s bitset) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bitset) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func (s bitset) intersect(t bitset) {
	for i := range s {
		s[i] &= t[i]
	}
}

func (s bitset) fill() {
	for i := range s {
		s[i] = ^uint64(0)
	}
}
