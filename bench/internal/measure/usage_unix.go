//go:build unix

package measure

import (
	"syscall"
	"time"
)

// processCPU is the time that this process has spent so far, in user code and in
// the kernel.
func processCPU() (user, system time.Duration) {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0, 0
	}
	return time.Duration(ru.Utime.Nano()), time.Duration(ru.Stime.Nano())
}
