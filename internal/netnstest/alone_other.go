//go:build !linux

package netnstest

// Alone does nothing here.
func Alone() {}
