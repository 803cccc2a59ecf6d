package filter

// kind is what a word of an expression is to the grammar.
type kind uint8

const (
	tEOF        kind = iota
	tID              // a name, or anything after a backslash
	tNum             // a number, or a name that stands for one (tcp-syn)
	tIPv4            // two to four numbers joined by dots
	tIPv6            // an IPv6 address
	tMAC             // an Ethernet address
	tARCnet          // $ and two hex digits
	tAnd             // and, &&
	tOr              // or, ||
	tNot             // not, !
	tPunct           // one of + - * / % & | ^ ( ) [ ] : and the relations
	tLsh             // <<
	tRsh             // >>
	tGeq             // >=
	tLeq             // <=
	tNeq             // !=
	tEq              // =, ==
	tProto           // a protocol name; val is the proto
	tSrc             // src
	tDst             // dst
	tHost            // host
	tNet             // net
	tMask            // mask
	tPort            // port
	tPortRange       // portrange
	tProtoKw         // proto
	tProtoChain      // protochain
	tGateway         // gateway
	tLess            // less
	tGreater         // greater
	tByte            // byte
	tBroadcast       // broadcast
	tMulticast       // multicast
	tLen             // len, length
	tInbound         // inbound
	tOutbound        // outbound
	tIfIndex         // ifindex
	tVLAN            // vlan
	tMPLS            // mpls
	tPPPoED          // pppoed
	tPPPoES          // pppoes
	tGeneve          // geneve
	tLLC             // llc
	tRnr             // rnr: an LLC type here, a rule number in PF logs
	tForeign         // a keyword of a link layer that sonde does not compile for
)

// token is one word with its place in the expression.
type token struct {
	kind kind
	val  uint32 // number, protocol, or the byte of a tPunct
	text string
	pos  int // byte offset in the expression
}

// is reports whether the token is the punctuation c.
func (t token) is(c byte) bool { return t.kind == tPunct && t.val == uint32(c) }

// proto is a protocol qualifier.
type proto uint8

const (
	pDefault proto = iota
	pLink
	pIP
	pARP
	pRARP
	pSCTP
	pTCP
	pUDP
	pICMP
	pIGMP
	pIGRP
	pATalk
	pDECnet
	pLAT
	pSCA
	pMOPRC
	pMOPDL
	pIP6
	pICMP6
	pAH
	pESP
	pPIM
	pVRRP
	pAARP
	pISO
	pESIS
	pISIS
	pCLNP
	pSTP
	pIPX
	pNetBEUI
	pL1
	pL2
	pIIH
	pSNP
	pCSNP
	pPSNP
	pLSP
	pCARP
	numProtos
)

var protoNames = [numProtos]string{
	pDefault: "", pLink: "ether", pIP: "ip", pARP: "arp", pRARP: "rarp", pSCTP: "sctp",
	pTCP: "tcp", pUDP: "udp", pICMP: "icmp", pIGMP: "igmp", pIGRP: "igrp", pATalk: "atalk",
	pDECnet: "decnet", pLAT: "lat", pSCA: "sca", pMOPRC: "moprc", pMOPDL: "mopdl",
	pIP6: "ip6", pICMP6: "icmp6", pAH: "ah", pESP: "esp", pPIM: "pim", pVRRP: "vrrp",
	pAARP: "aarp", pISO: "iso", pESIS: "esis", pISIS: "isis", pCLNP: "clnp", pSTP: "stp",
	pIPX: "ipx", pNetBEUI: "netbeui", pL1: "l1", pL2: "l2", pIIH: "iih", pSNP: "snp",
	pCSNP: "csnp", pPSNP: "psnp", pLSP: "lsp", pCARP: "carp",
}

func (p proto) String() string { return protoNames[p] }

// keywords maps each reserved word that is not a number to its token.
var keywords = makeKeywords()

func makeKeywords() map[string]token {
	words := map[string]token{
		"and": {kind: tAnd}, "or": {kind: tOr}, "not": {kind: tNot},
		"src": {kind: tSrc}, "dst": {kind: tDst}, "host": {kind: tHost}, "net": {kind: tNet},
		"mask": {kind: tMask}, "port": {kind: tPort}, "portrange": {kind: tPortRange},
		"proto": {kind: tProtoKw}, "protochain": {kind: tProtoChain}, "gateway": {kind: tGateway},
		"less": {kind: tLess}, "greater": {kind: tGreater}, "byte": {kind: tByte},
		"broadcast": {kind: tBroadcast}, "multicast": {kind: tMulticast},
		"len": {kind: tLen}, "length": {kind: tLen},
		"inbound": {kind: tInbound}, "outbound": {kind: tOutbound}, "ifindex": {kind: tIfIndex},
		"vlan": {kind: tVLAN}, "mpls": {kind: tMPLS}, "pppoed": {kind: tPPPoED},
		"pppoes": {kind: tPPPoES}, "geneve": {kind: tGeneve}, "llc": {kind: tLLC},
		"rnr": {kind: tRnr},
		// Names for the link layer: pcap-filter(7) treats them all alike.
		"link": protoToken(pLink), "ppp": protoToken(pLink), "slip": protoToken(pLink),
		"fddi": protoToken(pLink), "tr": protoToken(pLink), "wlan": protoToken(pLink),
		"es-is": protoToken(pESIS), "is-is": protoToken(pISIS),
	}
	for p := pLink; p < numProtos; p++ {
		words[protoNames[p]] = protoToken(p)
	}
	for w := range foreign {
		words[w] = token{kind: tForeign}
	}
	return words
}

func protoToken(p proto) token { return token{kind: tProto, val: uint32(p)} }

// foreign maps the keywords of other link layers to where they exist.
var foreign = makeForeign()

func makeForeign() map[string]string {
	where := map[string][]string{
		"802.11": {"type", "subtype", "dir", "direction", "addr1", "addr2", "addr3", "addr4",
			"address1", "address2", "address3", "address4", "ra", "ta", "radio"},
		"ATM": {"lane", "metac", "bcc", "oam", "oamf4", "oamf4ec", "oamf4sc", "sc", "ilmic",
			"vpi", "vci", "connectmsg", "metaconnect"},
		"the log of PF": {"on", "ifname", "rset", "ruleset", "rulenum", "srnr", "subrulenum",
			"reason", "action"},
		"SS7 (MTP2 and MTP3)": {"fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu", "sio",
			"opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls"},
	}
	out := map[string]string{}
	for layer, words := range where {
		for _, w := range words {
			out[w] = layer
		}
	}
	return out
}

// numberNames maps reserved words that stand for a number.
var numberNames = map[string]uint32{
	"icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1, "tcpflags": 13,
	"tcp-fin": 0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08,
	"tcp-ack": 0x10, "tcp-urg": 0x20, "tcp-ece": 0x40, "tcp-cwr": 0x80,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5,
	"icmp-echo": 8, "icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11,
	"icmp-paramprob": 12, "icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15,
	"icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3,
	"icmp6-parameterproblem": 4, "icmp6-echo": 128, "icmp6-echoreply": 129,
	"icmp6-multicastlistenerquery": 130, "icmp6-multicastlistenerreportv1": 131,
	"icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136,
	"icmp6-redirect": 137, "icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139,
	"icmp6-nodeinformationresponse": 140, "icmp6-ineighbordiscoverysolicit": 141,
	"icmp6-ineighbordiscoveryadvert": 142, "icmp6-multicastlistenerreportv2": 143,
	"icmp6-homeagentdiscoveryrequest": 144, "icmp6-homeagentdiscoveryreply": 145,
	"icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147,
	"icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149,
	"icmp6-multicastrouteradvert": 151, "icmp6-multicastroutersolicit": 152,
	"icmp6-multicastrouterterm": 153,
}
