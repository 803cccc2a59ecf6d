//go:build !unix

package sniff

import "os"

// ReportSignal returns nil: there is no signal for it here.
func ReportSignal() (<-chan os.Signal, func()) { return nil, func() {} }
