//go:build unix

package sonde

import "syscall"

// descriptorLimit is how many file descriptors the process may have.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 4 * defaultMaxIdle
	}
	return uint64(limit.Cur)
}
