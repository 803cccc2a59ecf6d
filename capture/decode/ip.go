package decode

import "strconv"

// IPProto is what an IP header carries (IANA's protocol numbers).
type IPProto uint8

// The protocols that are decoded, or known by name.
const (
	ProtoHopByHop IPProto = 0
	ProtoICMP     IPProto = 1
	ProtoIGMP     IPProto = 2
	ProtoIPv4     IPProto = 4
	ProtoTCP      IPProto = 6
	ProtoUDP      IPProto = 17
	ProtoIPv6     IPProto = 41
	ProtoRouting  IPProto = 43
	ProtoFragment IPProto = 44
	ProtoGRE      IPProto = 47
	ProtoESP      IPProto = 50
	ProtoAH       IPProto = 51
	ProtoICMPv6   IPProto = 58
	ProtoNone     IPProto = 59
	ProtoDestOpts IPProto = 60
	ProtoEIGRP    IPProto = 88
	ProtoOSPF     IPProto = 89
	ProtoPIM      IPProto = 103
	ProtoVRRP     IPProto = 112
	ProtoL2TP     IPProto = 115
	ProtoSCTP     IPProto = 132
	ProtoMobility IPProto = 135
	ProtoUDPLite  IPProto = 136
	ProtoHIP      IPProto = 139
	ProtoShim6    IPProto = 140
)

var protoNames = map[IPProto]string{
	ProtoHopByHop: "HOPOPT", ProtoICMP: "ICMP", ProtoIGMP: "IGMP", ProtoIPv4: "IPIP",
	ProtoTCP: "TCP", ProtoUDP: "UDP", ProtoIPv6: "IPv6", ProtoRouting: "Route",
	ProtoFragment: "Frag", ProtoGRE: "GRE", ProtoESP: "ESP", ProtoAH: "AH",
	ProtoICMPv6: "ICMPv6", ProtoNone: "no next header", ProtoDestOpts: "DSTOPT",
	ProtoEIGRP: "EIGRP", ProtoOSPF: "OSPF", ProtoPIM: "PIM", ProtoVRRP: "VRRP",
	ProtoL2TP: "L2TP", ProtoSCTP: "SCTP", ProtoMobility: "Mobility", ProtoUDPLite: "UDPLite",
	ProtoHIP: "HIP", ProtoShim6: "Shim6",
}

// String returns the protocol's name, or "ip-proto-" and its number.
func (x IPProto) String() string {
	if s, ok := protoNames[x]; ok {
		return s
	}
	return "ip-proto-" + strconv.Itoa(int(x))
}

// Fragment says which part of a datagram a packet is. It is valid with
// LayerFragment, for IPv4 and IPv6 alike.
type Fragment struct {
	ID     uint32
	Offset int  // in bytes
	More   bool // it is not the last one
	// Proto is what the whole datagram carries, extension headers behind the
	// fragment header included.
	Proto IPProto
	// Body is what was captured of the fragment, of Length bytes.
	Body   []byte
	Length int
}
