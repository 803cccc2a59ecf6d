// Package inspect joins three witnesses of HTTP connections and judges how well
// the connections are reused.
//
// What the client said comes as trace events ([Inspector.Record]), what the kernel
// says as walks through its sockets ([Inspector.Sockets]), what was on the wire as
// packets ([Inspector.Packet]). Each is optional. They are joined by the address
// pair and by the clock, and where they disagree the [Report] says so.
//
//	in := inspect.New(inspect.Config{})
//	for src.Next(&p) == nil {
//		in.Packet(&p)
//	}
//	report := in.Finish()
//	os.Stdout.Write(report.AppendText(nil))
//
// The [Verdict] needs packets or sockets alone, so it holds for programs that know
// nothing of this module, and for TLS without its keys: there the records are
// counted.
//
// A connection is called avoidable when another one could have carried its first
// request: one that was idle and never used again, or one of those that there had
// been for as many requests at once and that somebody closed. Why it was not there
// any more is the cause. Everything else, a burst that needs fifty connections and
// leaves them behind, or a connection that ends with a reset, is healthy.
package inspect

// Contract of this package: packets, sockets and events in, a report out. No I/O,
// no goroutine, no clock of its own: the time is that of what it is given.
