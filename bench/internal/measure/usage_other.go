//go:build !unix

package measure

import "time"

// processCPU is not supported here: rows go without their CPU columns.
func processCPU() (user, system time.Duration) { return 0, 0 }
