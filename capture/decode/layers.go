package decode

// Layers is a set of layers.
type Layers uint32

// The layers, one bit each.
const (
	LayerEthernet Layers = 1 << iota
	LayerVLAN
	LayerSLL // both versions: SLL.Version tells
	LayerLoopback
	LayerLLC
	LayerARP
	LayerIPv4
	LayerIPv6
	LayerExtensions // IPv6 extension headers
	LayerFragment   // the packet is a fragment of one
	LayerTCP
	LayerUDP
	LayerICMP
	LayerICMPv6
	LayerIGMP
	LayerGRE
)

// LayersLink are the layers below IP.
const LayersLink = LayerEthernet | LayerVLAN | LayerSLL | LayerLoopback | LayerLLC

var layerNames = [...]string{
	"Ethernet", "VLAN", "SLL", "loopback", "LLC", "ARP", "IPv4", "IPv6",
	"extensions", "fragment", "TCP", "UDP", "ICMP", "ICMPv6", "IGMP", "GRE",
}

// All reports whether every layer of want is in l.
func (l Layers) All(want Layers) bool { return l&want == want }

// Any reports whether some layer of want is in l.
func (l Layers) Any(want Layers) bool { return l&want != 0 }

// String returns the names from the outside in, joined by "/".
func (l Layers) String() string {
	var s string
	for i, name := range layerNames {
		if l&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += "/"
		}
		s += name
	}
	return s
}

// Fault says why decoding ended early. FaultNone is the zero value.
type Fault uint8

// The faults.
const (
	FaultNone        Fault = iota
	FaultTruncated         // the frame ends inside of a header
	FaultUnsupported       // the link type is known by name only
	FaultVersion           // an IP or GRE header has another version than announced
	FaultHeader            // a header's own length is impossible
	FaultLength            // a header says that the packet is shorter than the header
	FaultTooMany           // more tags or extension headers than anyone sends
)

var faultTexts = [...]string{
	"", "truncated", "link type not decoded", "wrong version", "impossible header length",
	"impossible length", "too many headers",
}

// String says it in a few words; FaultNone is empty.
func (f Fault) String() string {
	if int(f) < len(faultTexts) {
		return faultTexts[f]
	}
	return "unknown fault"
}
