package main

import (
	"strings"
	"testing"

	"sonde/sockets"
)

// TestSocketWordsOneLine names a socket and a process so that they would begin
// lines of their own: anybody on the machine may.
func TestSocketWordsOneLine(t *testing.T) {
	const name = "a\nESTAB\tb\x1b[2J"
	l := listing{rows: make([]listingRow, 1)}
	(&socketWords{}).unixEnds(&l, &sockets.Socket{Path: name})
	for what, text := range map[string]string{
		"path":    string(l.text),
		"command": string(appendOwners(nil, []sockets.Owner{{PID: 1, FD: 2, Command: name}})),
	} {
		if strings.ContainsAny(text, "\n\t\x1b") || !strings.Contains(text, `a\nESTAB\tb\x1b[2J`) {
			t.Errorf("%s: %q", what, text)
		}
	}
}
