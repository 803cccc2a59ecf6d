// Package sockets asks the Linux kernel which sockets exist and what it knows
// about them: TCP and UDP over IPv4 and IPv6, and Unix sockets, in every state,
// TIME-WAIT included, with the figures of TCP_INFO and the process that owns
// each one.
//
// The shortest calls open, ask and close by themselves:
//
//	n, err := sockets.Count(ctx, sockets.Query{Filter: sockets.RemotePort(443)})
//	all, err := sockets.List(ctx, sockets.Query{Detail: sockets.DetailInfo})
//
// A program that asks again and again opens a [Table] and walks it with
// [Table.All], which allocates nothing per socket; a [Differ] turns such walks
// into what happened in between.
//
// The kernel answers over sock_diag, filters there too (a [Filter] is compiled
// to inet_diag's bytecode), and where netlink is refused /proc/net is read
// instead, with fewer details. Other systems get an error that satisfies
// errors.Is(err, errors.ErrUnsupported); types and parsers build everywhere.
//
// What a walk is not: atomic. The kernel hands out its tables a slice at a
// time, so a socket that changes state meanwhile may be seen in either state,
// rarely in both or in none. One network namespace is seen, that of the caller.
package sockets
