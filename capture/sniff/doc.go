// Package sniff is what the command "sonde sniff" does, for programs: it opens a
// live capture or a file, prints a line a packet as tcpdump does, writes capture
// files, counts, and gives up the privileges that it needs no more.
//
// A [Printer] makes the lines and can be used by itself; [Run] does all of it.
package sniff

// Contract of this package: it knows the terminal and the flags' meaning, but no
// flag. What comes from the wire is escaped before it is printed; credentials in
// HTTP heads are left out unless the style asks for them.
