package sniff

import (
	"math/bits"
	"net/netip"
)

// Numbers and addresses are most of a line, and lines are most of the work: they
// are written straight to their place.

// pairs are the numbers below 100, two digits each.
const pairs = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" + "30313233343536373839" +
	"40414243444546474849" + "50515253545556575859" + "60616263646566676869" + "70717273747576777879" +
	"80818283848586878889" + "90919293949596979899"

func appendUint[T ~uint8 | ~uint16 | ~uint32 | ~int](dst []byte, v T) []byte {
	return appendDigits(dst, uint64(v))
}

func appendDigits(dst []byte, v uint64) []byte {
	if v < 10 {
		return append(dst, byte('0'+v))
	}
	// A number of so many bits has that many times log10(2) digits, or one more.
	n := bits.Len64(v) * 1233 >> 12
	if v >= powers[n] {
		n++
	}
	dst = append(dst, pairs[:n]...) // room; which digits does not matter
	b := dst[len(dst)-n:]
	for v >= 10 {
		two := v % 100 * 2
		v /= 100
		b[n-1], b[n-2] = pairs[two+1], pairs[two]
		n -= 2
	}
	if n > 0 {
		b[0] = byte('0' + v)
	}
	return dst
}

var powers = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// appendAddr adds an address as its AppendTo does.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.Is4() {
		return a.AppendTo(dst)
	}
	for i, b := range a.As4() {
		if i > 0 {
			dst = append(dst, '.')
		}
		switch {
		case b >= 100:
			dst = append(dst, '0'+b/100, pairs[b%100*2], pairs[b%100*2+1])
		case b >= 10:
			dst = append(dst, pairs[b*2], pairs[b*2+1])
		default:
			dst = append(dst, '0'+b)
		}
	}
	return dst
}
