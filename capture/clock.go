package capture

import (
	"math"
	"math/bits"
)

// clock turns an interface's time stamps into nanoseconds since 1970: a pcapng
// file may count any negative power of ten or of two, from any second on.
type clock struct {
	exponent uint8
	binary   bool
	offset   int64 // seconds
}

var microseconds = clock{exponent: 6}

// setResolution reads the option if_tsresol.
func (c *clock) setResolution(v byte) { c.exponent, c.binary = v&0x7f, v&0x80 != 0 }

// perSecond returns the ticks of a second, at most what a uint64 holds.
func (c clock) perSecond() uint64 {
	switch {
	case c.binary && c.exponent < 64:
		return 1 << c.exponent
	case !c.binary && c.exponent < 20:
		return pow10(c.exponent)
	}
	return math.MaxUint64
}

// nanoseconds converts; times that an int64 cannot hold become its largest.
func (c clock) nanoseconds(ticks uint64) int64 {
	if c.exponent == 9 && !c.binary && c.offset == 0 && ticks <= math.MaxInt64 {
		return int64(ticks)
	}
	sec, ns := c.split(ticks)
	const most = math.MaxInt64/1_000_000_000 - 1
	if sec > most || c.offset > most-int64(sec) || c.offset < -most {
		return math.MaxInt64
	}
	return (int64(sec)+c.offset)*1e9 + int64(ns)
}

// split returns whole seconds and the rest in nanoseconds.
func (c clock) split(ticks uint64) (sec, ns uint64) {
	if c.binary {
		if c.exponent >= 64 {
			hi, _ := bits.Mul64(ticks, 1e9)
			return 0, hi >> (c.exponent - 64) // Go shifts beyond the width give zero
		}
		hi, lo := bits.Mul64(ticks&(1<<c.exponent-1), 1e9)
		return ticks >> c.exponent, hi<<(64-c.exponent) | lo>>c.exponent
	}
	if c.exponent >= 20 { // less than a second in all
		if c.exponent-9 >= 20 {
			return 0, 0
		}
		return 0, ticks / pow10(c.exponent-9)
	}
	unit := pow10(c.exponent)
	sec, rest := ticks/unit, ticks%unit
	if c.exponent <= 9 {
		return sec, rest * pow10(9-c.exponent)
	}
	return sec, rest / pow10(c.exponent-9)
}

func pow10(n uint8) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
