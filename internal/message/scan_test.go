package message

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// slowEnd and slowNameEnd look at one byte after the other.
func slowEnd(b []byte, i int) int {
	for i < len(b) && b[i] >= ' ' && b[i] != 0x7f {
		i++
	}
	return i
}

func slowNameEnd(b []byte, i int) int {
	for i < len(b) && classes[b[i]]&tchar != 0 {
		i++
	}
	return i
}

// compareScan holds s to the slow ones, over all of b from the byte at on.
func compareScan(t *testing.T, b []byte, at int) {
	t.Helper()
	for _, c := range []struct {
		name       string
		find, slow func(*scan, int) int
	}{
		{"end", (*scan).end, func(_ *scan, i int) int { return slowEnd(b, i) }},
		{"nameEnd", (*scan).nameEnd, func(_ *scan, i int) int { return slowNameEnd(b, i) }},
	} {
		var s scan
		s.begin(b, at)
		for i := at; i <= len(b); i++ {
			if got, want := c.find(&s, i), c.slow(&s, i); got != want {
				t.Fatalf("%s from %d of %q: %d, want %d", c.name, i, b, got, want)
			}
		}
	}
}

// TestScan: vectors find what one byte at a time finds, at every place of a block,
// whether there is memory behind the text or not, and whatever lies there.
func TestScan(t *testing.T) {
	for c := range 256 {
		for _, n := range []int{1, 7, 63, 64, 65, 130, 255, 256, 257, 300, 520} {
			for _, at := range []int{0, 1, n / 2, n - 2, n - 1} {
				if at < 0 {
					continue
				}
				b := bytes.Repeat([]byte("a"), n+blockSize)
				b[at], b[n] = byte(c), byte(255-c)
				compareScan(t, b[:n:n], 0)
				compareScan(t, b[:n], n/3)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, r.IntN(700))
		for i := range b {
			if b[i] = byte(r.IntN(256)); r.IntN(8) > 0 {
				b[i] = "abcxyzABCXYZ-09 :\r\n"[r.IntN(19)]
			}
		}
		compareScan(t, b[:len(b):len(b)], r.IntN(len(b)+1))
	}
}

// TestClassify: what every processor can do says the same as the one in use; of
// names it may leave some bytes to the table.
func TestClassify(t *testing.T) {
	b := make([]byte, 256+window*blockSize)
	for i := range b {
		b[i] = byte(i)
	}
	for at := range 256 {
		var got, want masks
		classify(unsafe.SliceData(b[at:]), window, &got)
		classifyAny(unsafe.SliceData(b[at:]), window, &want)
		if got.ends != want.ends {
			t.Fatalf("ends %x, want %x", got.ends, want.ends)
		}
		for k := range window {
			if missing := got.stops[k] &^ want.stops[k]; missing != 0 {
				t.Fatalf("from %d: block %d lacks the stops %x", at, k, missing)
			}
			for i := range blockSize {
				c := b[at+k*blockSize+i]
				stop, name := want.stops[k]>>i&1 == 1, classes[c]&tchar != 0
				if !stop && !name || stop && name && (c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-') {
					t.Fatalf("byte %#x: stop %t", c, stop)
				}
			}
		}
	}
}
