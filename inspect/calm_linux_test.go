package inspect_test

import (
	"testing"
	"time"
)

// What is judged is time: that a client closes right behind a response cannot be
// seen while the machine runs something else. So what was captured while it stood
// still proves nothing, and is captured again. The claim stays the same.
const (
	stillness = 10 * time.Millisecond // less than the judge's shortest bound
	tries     = 8
)

// calmly tries until there is no fault, or one on a machine that did not stand still.
func calmly(t *testing.T, try func() (faults []string)) {
	t.Helper()
	for n := range tries {
		stood := standing()
		faults := try()
		still := stood()
		if len(faults) == 0 {
			return
		}
		if still < stillness || n == tries-1 {
			t.Errorf("%q (for %v nothing ran here)", faults, still)
			return
		}
		t.Logf("again, as for %v nothing ran here: %q", still, faults)
	}
}

// standing measures, until what it returns is called, for how long a goroutine that
// should run every millisecond did not.
func standing() (stop func() time.Duration) {
	quit, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		var worst time.Duration
		for last := time.Now(); ; {
			select {
			case <-tick.C:
				now := time.Now()
				worst, last = max(worst, now.Sub(last)), now
			case <-quit:
				longest <- max(worst, time.Since(last))
				return
			}
		}
	}()
	return func() time.Duration { close(quit); return <-longest }
}
