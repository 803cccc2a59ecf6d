//go:build !linux

package main

import "sonde/bench/internal/measure"

func captureRows() []row { return linuxOnly("capture", "programs that capture, beside tcpdump") }

func socketRows() []row { return linuxOnly("sockets", "10,000 sockets listed, beside ss") }

func linuxOnly(name, title string) []row {
	return []row{{name, title, func(*env) ([]measure.Line, error) { return skipped("for Linux only"), nil }}}
}
