package decode

import (
	"encoding/binary"
	"strconv"
)

// The kinds of TCP options (IANA's registry).
const (
	OptEnd           = 0
	OptNOP           = 1
	OptMSS           = 2
	OptWindowScale   = 3
	OptSACKPermitted = 4
	OptSACK          = 5
	OptTimestamps    = 8
	OptMD5           = 19
	OptUserTimeout   = 28
	OptAO            = 29
	OptMPTCP         = 30
	OptFastOpen      = 34
	OptExperiment1   = 253
	OptExperiment2   = 254
)

var tcpOptionNames = map[uint8]string{
	OptEnd: "eol", OptNOP: "nop", OptMSS: "mss", OptWindowScale: "wscale",
	OptSACKPermitted: "sackOK", OptSACK: "sack", OptTimestamps: "TS", OptMD5: "md5",
	OptUserTimeout: "uto", OptAO: "tcp-ao", OptMPTCP: "mptcp", OptFastOpen: "tfo",
	OptExperiment2: "exp",
}

// TCPOption is one option, as it was sent.
type TCPOption struct {
	Kind uint8
	Data []byte // what follows kind and length
}

// String returns the name that tcpdump prints, or "unknown-" and the kind.
func (o TCPOption) String() string {
	if s, ok := tcpOptionNames[o.Kind]; ok {
		return s
	}
	return "unknown-" + strconv.Itoa(int(o.Kind))
}

// All calls yield for each option, the end of the list included, until yield
// says false. It returns false if the list is malformed where it stopped.
func (h *TCP) All(yield func(TCPOption) bool) bool {
	for b := h.Options; len(b) > 0; {
		switch {
		case b[0] == OptEnd:
			yield(TCPOption{})
			return true
		case b[0] == OptNOP:
			if !yield(TCPOption{Kind: OptNOP}) {
				return true
			}
			b = b[1:]
			continue
		case len(b) < 2 || b[1] < 2 || int(b[1]) > len(b):
			return false
		}
		if !yield(TCPOption{Kind: b[0], Data: b[2:b[1]]}) {
			return true
		}
		b = b[b[1]:]
	}
	return true
}

// SACKBlock is a range of bytes that arrived beyond a hole.
type SACKBlock struct{ Left, Right uint32 }

// TCPOptions are the options whose meaning is known. Which ones there were is in
// the booleans; one that is malformed in itself counts as absent.
type TCPOptions struct {
	HasMSS, HasWindowScale, SACKPermitted, HasTimestamps, HasFastOpen, MPTCP bool

	MSS             uint16
	WindowScale     uint8  // as sent: RFC 7323 takes more than 14 as 14
	TSValue, TSEcho uint32 // TSval and TSecr
	FastOpen        []byte // the cookie; empty asks for one
	sack            [4]SACKBlock
	nsack           uint8
}

// SACK returns the blocks, in memory of o. There is room for four.
func (o *TCPOptions) SACK() []SACKBlock { return o.sack[:o.nsack] }

// ParseOptions reads all options into o. It reports whether the list is well
// formed; what stood before the mistake is in o all the same.
func (h *TCP) ParseOptions(o *TCPOptions) bool {
	*o = TCPOptions{}
	for b := h.Options; len(b) > 0; {
		switch {
		case b[0] == OptEnd:
			return true
		case b[0] == OptNOP:
			b = b[1:]
			continue
		case len(b) < 2 || b[1] < 2 || int(b[1]) > len(b):
			return false
		}
		o.set(b[0], b[2:b[1]])
		b = b[b[1]:]
	}
	return true
}

func (o *TCPOptions) set(kind uint8, d []byte) {
	switch {
	case kind == OptMSS && len(d) == 2:
		o.HasMSS, o.MSS = true, binary.BigEndian.Uint16(d)
	case kind == OptWindowScale && len(d) == 1:
		o.HasWindowScale, o.WindowScale = true, d[0]
	case kind == OptSACKPermitted && len(d) == 0:
		o.SACKPermitted = true
	case kind == OptTimestamps && len(d) == 8:
		o.HasTimestamps = true
		o.TSValue, o.TSEcho = binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])
	case kind == OptSACK && len(d)%8 == 0:
		for o.nsack = 0; len(d) > 0 && int(o.nsack) < len(o.sack); d = d[8:] {
			o.sack[o.nsack] = SACKBlock{binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])}
			o.nsack++
		}
	case kind == OptFastOpen:
		o.HasFastOpen, o.FastOpen = true, d
	// RFC 6994: an experiment's number comes first; 0xf989 was Fast Open's.
	case kind == OptExperiment2 && len(d) >= 2 && binary.BigEndian.Uint16(d) == 0xf989:
		o.HasFastOpen, o.FastOpen = true, d[2:]
	case kind == OptMPTCP:
		o.MPTCP = true
	}
}
