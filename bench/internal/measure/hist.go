package measure

import "math/bits"

const (
	subBits = 5 // 32 steps for each power of two: a value is known to 3 %
	subs    = 1 << subBits
	buckets = (64 - subBits) * subs
)

// Hist counts durations in nanoseconds, in steps of 3 %. The zero Hist is empty.
// One goroutine uses it.
type Hist struct {
	count [buckets]uint32
	total uint64
}

// Add counts one duration.
func (h *Hist) Add(ns int64) {
	h.count[bucket(uint64(max(ns, 0)))]++
	h.total++
}

// Merge adds the counts of other.
func (h *Hist) Merge(other *Hist) {
	for i, n := range other.count {
		h.count[i] += n
	}
	h.total += other.total
}

// Quantile is the duration below which the share q of all lie, 0 if there are none.
func (h *Hist) Quantile(q float64) float64 {
	rank, seen := uint64(q*float64(h.total)), uint64(0)
	for i, n := range h.count {
		if seen += uint64(n); n > 0 && seen > min(rank, h.total-1) {
			return middle(i)
		}
	}
	return 0
}

// bucket keeps the first bit that is set and the subBits after it.
func bucket(v uint64) int {
	if v < subs {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return shift<<subBits + int(v>>shift)
}

// middle is the value that stands for all of a bucket.
func middle(i int) float64 {
	if i < 2*subs {
		return float64(i)
	}
	shift := i>>subBits - 1
	low := uint64(i-shift<<subBits) << shift
	return float64(low) + float64(uint64(1)<<shift)/2
}
