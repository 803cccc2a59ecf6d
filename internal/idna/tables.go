package idna

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"sync"
)

// Here is what there is to know of single characters. tables.bin has it in 11 KB,
// deflated. It is unpacked at the first host that is not ASCII, which takes a
// millisecond; from then on the tables have 143 KB of memory. "go test -run TestTables
// -update" writes it anew, and where that test is, its format is described.

//go:embed tables.bin
var packed []byte

const (
	maxRune   = 0x10ffff
	blockBits = 8
	blockSize = 1 << blockBits
	// Where in tables.bin the numbers of blocks end, and the blocks.
	endNumbers = (maxRune + 1) / blockSize
	endBlocks  = endNumbers + countBlocks*blockSize
	// No character from here on is replaced.
	maxReplaced = 0x30000
)

// What there is in tables.bin. TestTables says when one of these has changed.
const (
	countTraits  = 94
	countBlocks  = 154
	countSources = 6455
	countTargets = 8454
	countAll     = 55585
)

// tables is tables.bin, unpacked. It does not change then.
var tables struct {
	once sync.Once

	// all is tables.bin, inflated. The traits of a character are found in three steps: all
	// begins with the number of the block that it is in; the blocks follow, equal ones
	// once, with one byte for each character in them; and that is its place in traits.
	all    [countAll]uint8
	traits [countTraits]traits

	// sources are the characters that have parts, and where those begin in targets.
	sources [countSources]source
	targets [countTargets]rune

	// composed has the places in sources of what two others make, by those.
	composed [1024]uint16
}

type source struct {
	is    rune
	start int32
}

// of is the traits of r.
//
//go:noinline
func of(r rune) traits {
	block := int(tables.all[r>>blockBits])
	return tables.traits[tables.all[endNumbers+block<<blockBits+int(r&(blockSize-1))]]
}

// becomes is what takes the place of r, or what r is made of: it has parts.
//
//go:noinline
func becomes(r rune) []rune {
	low, high := 0, len(tables.sources)
	for high-low > 1 {
		if middle := (low + high) / 2; tables.sources[middle].is <= r {
			low = middle
		} else {
			high = middle
		}
	}
	return tables.targets[tables.sources[low].start:][:of(r).parts()]
}

// slot is where composed has the pair of a and b, or would have it.
//
//go:noinline
func slot(a, b rune) *uint16 {
	for i := uint32(a)*31 + uint32(b); ; i++ {
		at := &tables.composed[i%uint32(len(tables.composed))]
		start := tables.sources[*at].start
		if *at == 0 || tables.targets[start] == a && tables.targets[start+1] == b {
			return at
		}
	}
}

// unpack fills tables. It panics if TestTables has not made tables.bin.
func unpack() {
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(packed)), tables.all[:]); err != nil {
		panic(err)
	}
	p := packet(endBlocks)
	for i := range tables.traits {
		tables.traits[i] = traits(p.number())
	}
	// How much farther away the first part is than that of the one before; and how much
	// farther on two are than the two before.
	var away, a, b rune
	n, start := 0, 0
	for c := range rune(maxReplaced) {
		is := of(c)
		if is.parts() == 0 {
			continue
		}
		tables.sources[n] = source{c, int32(start)}
		if is.status() == replaced {
			away += p.delta()
			tables.targets[start] = c + away
			start++
			for range is.parts() - 1 {
				tables.targets[start] = rune(p.number())
				start++
			}
		} else {
			a += p.delta()
			b += p.delta()
			*slot(a, b) = uint16(n)
			tables.targets[start] = a
			tables.targets[start+1] = b
			start += 2
		}
		n++
	}
}

// packet is where in tables.all the next number is.
type packet int

// number is a number in groups of seven bits, the low ones first.
//
//go:noinline
func (p *packet) number() int {
	n := 0
	for i := 0; ; i += 7 {
		b := tables.all[*p]
		*p++
		n |= int(b&0x7f) << i
		if b < 0x80 {
			return n
		}
	}
}

// delta is a number that may be negative: 0, -1, 1, -2 are there as 0, 1, 2, 3.
func (p *packet) delta() rune {
	n := p.number()
	return rune(n>>1) ^ -rune(n&1)
}
