package flow

// Verdict is what is worth saying about a segment: a set of the bits below.
type Verdict uint16

// The verdicts.
const (
	Retransmission Verdict = 1 << iota // all of its bytes were seen before
	Overlap                            // some of its bytes were seen before, others are new
	OutOfOrder                         // it brings bytes from before others that were seen
	Gap                                // bytes before it were not captured, so far
	KeepAlive                          // it repeats the last byte, or none, to see who answers
	DupAck                             // it says again what was acknowledged before
	ZeroWindow                         // its sender can take no more bytes
	UnseenAck                          // it acknowledges bytes that were not captured
	PortReuse                          // it opens a connection on addresses and ports used before
	Conflict                           // it repeats bytes that are still held, with other contents
	OutOfWindow                        // its sequence number is too far off to belong here
	Cut                                // the snap length cut its payload
)

var verdictNames = [...]string{
	"retransmission", "overlap", "out of order", "previous segment not captured", "keep-alive",
	"duplicate ack", "zero window", "acked segment not captured", "port reused", "conflicting data",
	"out of window", "cut",
}

// Any reports whether some bit of w is in v.
func (v Verdict) Any(w Verdict) bool { return v&w != 0 }

// String returns the names, joined by ", ".
func (v Verdict) String() string {
	var s string
	for i, name := range verdictNames {
		if v&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += ", "
		}
		s += name
	}
	return s
}

// Segment is what the table knows about one TCP packet.
type Segment struct {
	// Conn is nil if the packet has no TCP header.
	Conn *Conn
	Dir  Dir
	// First is set on the packet that made the connection known. tcpdump prints its
	// sequence number, and those of SYNs, as they are, and others relative.
	First bool
	// Seq and Ack count from the start of the connection.
	Seq, Ack uint32
	// Window is in bytes, scaled if the scale is known.
	Window  int
	Verdict Verdict
}
