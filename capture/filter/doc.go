// Package filter compiles tcpdump's filter language, pcap-filter(7), to
// classic BPF: "tcp port 80 and not host 10.0.0.1".
//
// It needs no libpcap and no cgo, and it matches what tcpdump matches: not
// only the same packets of well-formed traffic, but the same of truncated and
// damaged ones. What it does not know it refuses, with an *Error that has the
// place in the expression. docs/filter.md has the grammar, with the test of
// each production, and the few places where the two differ.
//
// Compile makes a Program. A Program runs in user space with Match, and in
// the kernel: Raw and SockFilters convert it. Explain says in English what an
// expression means.
//
// An expression goes through lexer.go, parser.go, gen.go, optimize.go and
// emit.go, in this order; the files beside them, gen_*.go for gen.go, hold
// their parts.
package filter
