package capture

import "strconv"

// LinkType says what a frame starts with. The numbers are those that pcap and
// pcapng files carry (the IETF registry of LINKTYPE values).
type LinkType uint16

// The link types that sonde reads, writes or at least knows by name.
const (
	LinkNull       LinkType = 0   // BSD loopback: address family in the capturing host's byte order
	LinkEthernet   LinkType = 1   // Ethernet II or 802.3, without preamble and check sequence
	LinkTokenRing  LinkType = 6   // IEEE 802.5
	LinkSLIP       LinkType = 8   // SLIP
	LinkPPP        LinkType = 9   // PPP
	LinkFDDI       LinkType = 10  // FDDI
	LinkPPPSerial  LinkType = 50  // PPP in HDLC-like framing
	LinkPPPEther   LinkType = 51  // PPPoE session
	LinkRaw        LinkType = 101 // IPv4 or IPv6, told apart by the version nibble
	LinkHDLC       LinkType = 104 // Cisco HDLC
	Link80211      LinkType = 105 // IEEE 802.11
	LinkLoop       LinkType = 108 // OpenBSD loopback: address family in network byte order
	LinkLinuxSLL   LinkType = 113 // Linux cooked, version 1
	LinkPrism      LinkType = 119 // Prism header and 802.11
	LinkRadiotap   LinkType = 127 // radiotap header and 802.11
	LinkARCNET     LinkType = 129 // Linux ARCNET
	LinkUSB        LinkType = 189 // Linux USB, short header
	Link802154     LinkType = 195 // IEEE 802.15.4 with check sequence
	LinkUSBMapped  LinkType = 220 // Linux USB, long header
	LinkIPv4       LinkType = 228 // IPv4
	LinkIPv6       LinkType = 229 // IPv6
	LinkNFLOG      LinkType = 239 // Linux netfilter log
	LinkNetlink    LinkType = 253 // Linux netlink
	LinkLinuxSLL2  LinkType = 276 // Linux cooked, version 2: the "any" interface
	linkBSDRawNum  LinkType = 12  // DLT_RAW in files of most systems
	linkOpenRawNum LinkType = 14  // DLT_RAW in files of OpenBSD
)

var linkNames = map[LinkType]struct{ name, text string }{
	LinkNull:      {"NULL", "BSD loopback"},
	LinkEthernet:  {"EN10MB", "Ethernet"},
	LinkTokenRing: {"IEEE802", "Token Ring"},
	LinkSLIP:      {"SLIP", "SLIP"},
	LinkPPP:       {"PPP", "PPP"},
	LinkFDDI:      {"FDDI", "FDDI"},
	LinkPPPSerial: {"PPP_SERIAL", "PPP over serial"},
	LinkPPPEther:  {"PPP_ETHER", "PPPoE"},
	LinkRaw:       {"RAW", "Raw IP"},
	LinkHDLC:      {"C_HDLC", "Cisco HDLC"},
	Link80211:     {"IEEE802_11", "802.11"},
	LinkLoop:      {"LOOP", "OpenBSD loopback"},
	LinkLinuxSLL:  {"LINUX_SLL", "Linux cooked v1"},
	LinkPrism:     {"PRISM_HEADER", "802.11 plus Prism header"},
	LinkRadiotap:  {"IEEE802_11_RADIO", "802.11 plus radiotap header"},
	LinkARCNET:    {"ARCNET_LINUX", "Linux ARCNET"},
	LinkUSB:       {"USB_LINUX", "USB with Linux header"},
	Link802154:    {"IEEE802_15_4", "IEEE 802.15.4 with FCS"},
	LinkUSBMapped: {"USB_LINUX_MMAPPED", "USB with padded Linux header"},
	LinkIPv4:      {"IPV4", "Raw IPv4"},
	LinkIPv6:      {"IPV6", "Raw IPv6"},
	LinkNFLOG:     {"NFLOG", "Linux netfilter log messages"},
	LinkNetlink:   {"NETLINK", "Linux netlink"},
	LinkLinuxSLL2: {"LINUX_SLL2", "Linux cooked v2"},
}

// String returns the name that tcpdump prints, such as EN10MB, or the number.
func (l LinkType) String() string {
	if n, ok := linkNames[l]; ok {
		return n.name
	}
	return "LINKTYPE_" + strconv.Itoa(int(l))
}

// Description returns what the link type is in a few words, or its number.
func (l LinkType) Description() string {
	if n, ok := linkNames[l]; ok {
		return n.text
	}
	return "link type " + strconv.Itoa(int(l))
}

// supported reports whether packets of the link type can be decoded, or at least
// told apart.
func (l LinkType) supported() bool {
	switch l {
	case LinkNull, LinkLoop, LinkEthernet, LinkRaw, LinkIPv4, LinkIPv6, LinkLinuxSLL, LinkLinuxSLL2,
		LinkPPP, LinkPPPSerial, LinkPPPEther, Link80211, LinkPrism, LinkRadiotap:
		return true
	}
	return false
}
