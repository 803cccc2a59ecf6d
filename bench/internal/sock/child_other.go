//go:build !linux

package sock

import "errors"

// Main is for Linux only.
func Main(string, []string) error { return errors.New("sockets are listed on Linux only") }
