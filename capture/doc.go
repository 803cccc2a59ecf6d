// Package capture sees the packets themselves: live, from a Linux packet
// socket with a ring shared with the kernel, or from pcap and pcapng files,
// which it writes too.
//
// Open gives a live source, OpenFile and NewReader one that reads a file;
// both are a [Source], so what decodes, prints or writes packets does not care
// where they come from. Nothing lies between this package and the kernel but
// golang.org/x/sys/unix, and it needs no C library.
//
// What belongs here is getting packets and keeping them. What they mean is
// package capture/decode's business, which of them are wanted is package
// capture/filter's; a filter arrives here as a finished BPF program.
package capture
