//go:build !race

// Package race tells tests whether the race detector is on: it allocates, so that
// claims about allocations cannot be tested under it.
package race

// Enabled reports whether the race detector is on.
const Enabled = false
