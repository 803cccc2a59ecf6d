package measure

import (
	"runtime"
	"time"
)

// Loop is work of some nanoseconds, too short for a Client, whose every operation
// pays for a call and a look at whether to stop.
type Loop struct {
	Name string
	Run  func(n int) // does it n times
}

// LoopResult is what one time of a Loop's work costs.
type LoopResult struct{ Nanos, Spread, Allocs float64 }

// loopSlice is how long a loop runs before the next one's turn.
const loopSlice = 5 * time.Millisecond

// Loops runs the loops in turns, three times at least and until the budget is spent,
// and returns the medians.
func Loops(budget time.Duration, loops []Loop) []LoopResult {
	n := make([]int, len(loops))
	nanos := make([][]float64, len(loops))
	allocs := make([][]float64, len(loops))
	for i, l := range loops {
		n[i] = enough(l)
	}
	start := time.Now()
	for round := 0; round < 3 || time.Since(start) < budget; round++ {
		for i := range loops {
			i = (i + round) % len(loops)
			spent, mallocs := loops[i].once(n[i])
			nanos[i] = append(nanos[i], float64(spent)/float64(n[i]))
			allocs[i] = append(allocs[i], float64(mallocs)/float64(n[i]))
		}
	}
	results := make([]LoopResult, len(loops))
	for i := range loops {
		r := &results[i]
		r.Nanos, r.Spread = Median(nanos[i])
		r.Allocs, _ = Median(allocs[i])
	}
	return results
}

// enough finds how many times take as long as a slice; that warms up, too.
func enough(l Loop) int {
	for n := 1; ; n *= 2 {
		if spent, _ := l.once(n); spent >= loopSlice {
			return n
		}
	}
}

func (l Loop) once(n int) (spent time.Duration, mallocs uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	l.Run(n)
	spent = time.Since(start)
	runtime.ReadMemStats(&after)
	return spent, after.Mallocs - before.Mallocs
}
