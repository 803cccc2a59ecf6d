//go:build unix

package sonde

import "golang.org/x/sys/unix"

// descriptorLimit is how many file descriptors the process may have.
func descriptorLimit() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 4 * defaultMaxIdle
	}
	return uint64(limit.Cur)
}
