package filter

import (
	"fmt"
	"strings"
)

// Explain says in English what an expression matches, and prints its tree.
func Explain(expr string) (string, error) {
	tree, err := Parse(expr)
	if err != nil {
		return "", err
	}
	return explain(tree), nil
}

// Explain says in English what the program matches, prints the tree of its
// expression, and says where it can run.
func (p *Program) Explain() string {
	s := explain(p.tree) + fmt.Sprintf("program: %d instructions for %s packets", len(p.insns), p.opts.LinkType)
	if err := p.Attachable(); err != nil {
		return s + ", in user space only: " + strings.TrimPrefix(err.Error(), "filter: ") + "\n"
	}
	return s + ", in the kernel\n"
}

func explain(tree Expr) string {
	if tree == nil {
		return "matches: every packet\n"
	}
	var b strings.Builder
	b.WriteString("matches: " + tree.Explain() + "\ntree:\n")
	writeTree(&b, tree, 1)
	return b.String()
}

func writeTree(b *strings.Builder, e Expr, depth int) {
	indent := strings.Repeat("  ", depth)
	switch e := e.(type) {
	case *And:
		b.WriteString(indent + "and\n")
		writeTree(b, e.Left, depth+1)
		writeTree(b, e.Right, depth+1)
	case *Or:
		b.WriteString(indent + "or\n")
		writeTree(b, e.Left, depth+1)
		writeTree(b, e.Right, depth+1)
	case *Not:
		b.WriteString(indent + "not\n")
		writeTree(b, e.X, depth+1)
	default:
		b.WriteString(indent + e.String() + "\n")
	}
}

// Explain gives both sides, with parentheses where "and" and "or" mix.
func (e *And) Explain() string {
	return explainSide(e.Left, false) + " and " + explainSide(e.Right, false)
}

// Explain gives both sides, with parentheses where "and" and "or" mix.
func (e *Or) Explain() string {
	return explainSide(e.Left, true) + ", or " + explainSide(e.Right, true)
}

func explainSide(e Expr, inOr bool) string {
	switch e.(type) {
	case *Or:
		if !inOr {
			return "(" + e.Explain() + ")"
		}
	case *And:
		if inOr {
			return "(" + e.Explain() + ")"
		}
	}
	return e.Explain()
}

// Explain gives what must not match.
func (e *Not) Explain() string {
	if joins(e.X) {
		return "anything but (" + e.X.Explain() + ")"
	}
	return "anything but " + e.X.Explain()
}

var protoWords = [numProtos]string{pLink: "link-layer", pIP: "IPv4", pARP: "ARP", pRARP: "RARP",
	pSCTP: "SCTP", pTCP: "TCP", pUDP: "UDP", pICMP: "ICMP", pIGMP: "IGMP", pIGRP: "IGRP",
	pATalk: "AppleTalk", pDECnet: "DECnet", pLAT: "LAT", pSCA: "SCA", pMOPRC: "MOP RC",
	pMOPDL: "MOP DL", pIP6: "IPv6", pICMP6: "ICMPv6", pAH: "AH", pESP: "ESP", pPIM: "PIM",
	pVRRP: "VRRP", pAARP: "AppleTalk ARP", pISO: "OSI", pESIS: "ES-IS", pISIS: "IS-IS",
	pCLNP: "CLNP", pSTP: "spanning tree", pIPX: "IPX", pNetBEUI: "NetBEUI",
	pL1: "IS-IS level 1", pL2: "IS-IS level 2", pIIH: "IS-IS hello", pSNP: "IS-IS sequence numbers",
	pCSNP: "IS-IS complete sequence numbers", pPSNP: "IS-IS partial sequence numbers",
	pLSP: "IS-IS link state", pCARP: "CARP"}

// Explain names the protocol and what carries it.
func (e *Protocol) Explain() string {
	words := protoWords[e.proto]
	switch n, ok := numbersWithin[e.proto]; {
	case !ok:
		return words
	case n.in == pDefault:
		return words + " over IPv4 or IPv6"
	default:
		return words + " over " + protoWords[n.in]
	}
}

var dirWords = [...]string{"from or to ", "from ", "to ", "from or to ", "both from and to "}

// Explain says which packets the id picks out.
func (e *Address) Explain() string {
	id := e.id.text
	if e.bits >= 0 {
		id += fmt.Sprintf("/%d", e.bits)
	}
	if e.mask.kind == tIPv4 {
		id += " with the mask " + e.mask.text
	}
	switch e.q.what {
	case whatPort, whatPortRange:
		return e.portWords() + " " + dirWords[e.q.dir] + "port " + strings.Replace(id, "-", " to ", 1)
	case whatProto:
		return e.carrierWords() + id
	case whatProtoChain:
		return e.carrierWords() + id + " anywhere in its chain of headers"
	case whatNet:
		id = "the network " + id
	}
	if e.id.kind == tNum && e.q.what != whatNet {
		v := e.id.val
		id = fmt.Sprintf("%d.%d.%d.%d", v>>24, v>>16&0xff, v>>8&0xff, v&0xff)
	}
	return e.hostWords() + " " + dirWords[e.q.dir] + id
}

func (e *Address) portWords() string {
	if e.q.proto == pDefault {
		return "TCP, UDP or SCTP"
	}
	return protoWords[e.q.proto]
}

func (e *Address) hostWords() string {
	switch {
	case e.q.proto == pLink:
		return "frames"
	case e.q.proto != pDefault:
		return protoWords[e.q.proto]
	case e.id.kind == tIPv6:
		return "IPv6"
	case e.id.kind == tID:
		return "IPv4, IPv6, ARP or RARP"
	}
	return "IPv4, ARP or RARP"
}

func (e *Address) carrierWords() string {
	switch e.q.proto {
	case pDefault:
		return "IPv4 or IPv6 with protocol "
	case pLink:
		return "frames of type "
	case pISIS:
		return "IS-IS with PDU type "
	}
	return protoWords[e.q.proto] + " with protocol "
}

var relWords = [...]string{"is", "is not", "is more than", "is at most", "is at least", "is less than"}

// Explain gives the comparison, with the parts of headers in words.
func (e *Relation) Explain() string {
	return "packets where " + valueWords(e.left) + " " + relWords[e.op] + " " + valueWords(e.right)
}

// valueWords gives a value in words.
func valueWords(a arith) string {
	switch a := a.(type) {
	case *length:
		return "the length"
	case *negation:
		return "minus " + nestedWords(a.x)
	case *operation:
		op := string(a.op)
		switch a.op {
		case 'L':
			op = "shifted left by"
		case 'R':
			op = "shifted right by"
		}
		return nestedWords(a.left) + " " + op + " " + nestedWords(a.right)
	case *load:
		return a.words()
	}
	return a.String()
}

func nestedWords(a arith) string {
	switch a.(type) {
	case *operation, *negation:
		return "(" + valueWords(a) + ")"
	}
	return valueWords(a)
}

// fieldWords are the fields that have names as offsets.
var fieldWords = map[string]string{"tcpflags": "the flags", "icmptype": "the type",
	"icmpcode": "the code", "icmp6type": "the type", "icmp6code": "the code"}

func (n *load) words() string {
	header := " of the " + protoWords[n.proto] + " header"
	if off, ok := n.offset.(*number); ok {
		if field, ok := fieldWords[off.text]; ok {
			return field + header
		}
		switch n.size.val {
		case 2, 4:
			return fmt.Sprintf("bytes %d to %d%s", off.val, off.val+n.size.val-1, header)
		}
		return "byte " + off.text + header
	}
	size := "the byte"
	if n.size.val > 1 {
		size = fmt.Sprintf("the %d bytes", n.size.val)
	}
	return size + " at offset " + nestedWords(n.offset) + header
}

// Explain says what the special form tests.
func (e *Special) Explain() string {
	numbered := func(what, one, inside string) string {
		if e.has {
			what = fmt.Sprintf(one, e.num)
		}
		return what + inside
	}
	switch e.word {
	case tLess:
		return fmt.Sprintf("packets of at most %d bytes", e.num)
	case tGreater:
		return fmt.Sprintf("packets of at least %d bytes", e.num)
	case tByte:
		return fmt.Sprintf("packets whose link-layer byte %d %c %d", e.num, e.op, e.val)
	case tBroadcast, tMulticast:
		layer := "link-layer"
		if e.prot != pDefault {
			layer = protoWords[e.prot]
		}
		return layer + " " + specialWords[e.word]
	case tInbound:
		return "packets that others sent"
	case tOutbound:
		return "packets that this machine sent"
	case tIfIndex:
		return fmt.Sprintf("packets on interface %d", e.num)
	case tVLAN:
		return numbered("frames with a VLAN tag", "frames of VLAN %d", " (what follows looks behind the tag)")
	case tMPLS:
		return numbered("MPLS", "MPLS with label %d", " (what follows looks behind the label)")
	case tPPPoED:
		return "PPPoE discovery"
	case tPPPoES:
		return numbered("PPPoE sessions", "PPPoE session %d", " (what follows looks inside)")
	case tGeneve:
		return numbered("Geneve", "Geneve of network %d", " (what follows looks inside)")
	}
	if e.name != "" {
		return "802.2 frames of type " + e.name
	}
	return "802.2 frames"
}
