//go:build !unix

package sonde

// descriptorLimit is how many file descriptors the process may have; here there
// is no such limit.
func descriptorLimit() uint64 { return 4 * defaultMaxIdle }
