package filter

import "fmt"

// LinkType says which header the packets start with. The zero value is
// Ethernet.
type LinkType uint8

// The link types that expressions compile for.
const (
	Ethernet  LinkType = iota // Ethernet, also the Linux loopback device
	RawIP                     // no link layer: IPv4 or IPv6 at the first byte
	Null                      // BSD loopback, address family in the writer's byte order
	Loop                      // OpenBSD loopback, address family in network byte order
	LinuxSLL                  // Linux "cooked" capture, version 1
	LinuxSLL2                 // Linux "cooked" capture, version 2
	PPP                       // PPP with HDLC-like framing
	RawIPv4                   // IPv4 at the first byte, nothing else
	RawIPv6                   // IPv6 at the first byte, nothing else
	numLinkTypes
)

// linkInfo holds the constant facts of a link type: where its type field and
// its payload start, and how far the network layer is into an 802.2 payload.
type linkInfo struct {
	name     string
	pcap     uint32 // LINKTYPE_ value of pcap and pcapng files
	typeOff  uint32 // offset of the protocol field, or offNotSet
	payload  uint32 // offset of the link layer's payload
	nlNosnap uint32 // offset of the network layer after 802.2 without SNAP
}

// offNotSet marks a link layer without a type field.
const offNotSet = 0xffffffff

var links = [numLinkTypes]linkInfo{
	Ethernet:  {"Ethernet", 1, 12, 14, 3},
	RawIP:     {"raw IP", 101, offNotSet, 0, 0},
	Null:      {"BSD loopback", 0, 0, 4, 0},
	Loop:      {"OpenBSD loopback", 108, 0, 4, 0},
	LinuxSLL:  {"Linux cooked v1", 113, 14, 16, 0},
	LinuxSLL2: {"Linux cooked v2", 276, 0, 20, 0},
	PPP:       {"PPP", 9, 2, 4, 0},
	RawIPv4:   {"raw IPv4", 228, offNotSet, 0, 0},
	RawIPv6:   {"raw IPv6", 229, offNotSet, 0, 0},
}

// String names the link type in words, such as "raw IP".
func (t LinkType) String() string {
	if t >= numLinkTypes {
		return fmt.Sprintf("LinkType(%d)", uint8(t))
	}
	return links[t].name
}

// Pcap returns the LINKTYPE_ number that pcap and pcapng files use.
func (t LinkType) Pcap() uint32 {
	if t >= numLinkTypes {
		return offNotSet
	}
	return links[t].pcap
}

// LinkTypeFromPcap returns the link type with the LINKTYPE_ number n of a
// pcap or pcapng file, and false when expressions cannot be compiled for it.
func LinkTypeFromPcap(n uint32) (LinkType, bool) {
	if n == 12 || n == 14 { // DLT_RAW, which some writers left untranslated
		return RawIP, true
	}
	for t := range links {
		if links[t].pcap == n {
			return LinkType(t), true
		}
	}
	return 0, false
}
