package peer

import "runtime"

// allocsOf counts the allocations of one call of f, which nothing else may
// disturb.
func allocsOf(f func() error) float64 {
	const times = 1000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / times)
}
