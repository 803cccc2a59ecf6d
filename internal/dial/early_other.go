//go:build !linux

package dial

import "syscall"

// early is for Linux, whose connect to an address of its own is over at once.
func early(next func(network, address string, c syscall.RawConn) error) func(network, address string, c syscall.RawConn) error {
	return next
}
