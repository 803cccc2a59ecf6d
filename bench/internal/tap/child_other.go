//go:build !linux

package tap

import "errors"

// Main is for Linux only.
func Main(string, []string) error { return errors.New("captures are measured on Linux only") }
