package filter

// Expr is a node of a parsed expression. The concrete types are And, Or, Not,
// Address, Protocol, Relation and Special; String prints an expression with
// the same meaning, with every abbreviation spelled out.
type Expr interface {
	// Pos is the byte offset in the source at which the node starts.
	Pos() int
	// String is the node in the filter language.
	String() string
	// Explain is the node in English.
	Explain() string
}

// place is the position that every node carries.
type place int

func (p place) Pos() int { return int(p) }

// And matches what both sides match; the right side runs only if the left
// side matched.
type And struct {
	place
	Left, Right Expr
}

// Or matches what either side matches; the right side runs only if the left
// side did not match.
type Or struct {
	place
	Left, Right Expr
}

// Not matches what X does not match. A packet too short for X to read is
// rejected by both X and not X.
type Not struct {
	place
	X Expr
}

// dir is which end of a packet an Address speaks of.
type dir uint8

const (
	dirDefault dir = iota // neither was said: the same as dirOr
	dirSrc
	dirDst
	dirOr
	dirAnd
)

var dirNames = [...]string{"", "src ", "dst ", "src or dst ", "src and dst "}

// what is the kind of thing an Address names.
type what uint8

const (
	whatDefault what = iota // neither host nor net nor port was said: host
	whatHost
	whatNet
	whatPort
	whatPortRange
	whatProto
	whatProtoChain
)

var whatNames = [...]string{"", "host ", "net ", "port ", "portrange ", "proto ", "protochain "}

// qual is what stands before an id, or was inherited from the id before it.
type qual struct {
	proto proto
	dir   dir
	what  what
	set   bool // false where nothing can be inherited
}

// Address is a value with its qualifiers: tcp dst port 80, net 10.0.0.0/8,
// ip proto 17. An id without qualifiers of its own has those of the id before.
type Address struct {
	place
	q    qual
	id   token // tID, tNum, tIPv4, tIPv6, tMAC
	bits int   // prefix length after a slash, or -1
	mask token // after the word mask
}

// Protocol is a protocol's name standing alone: tcp, arp, stp.
type Protocol struct {
	place
	proto proto
}

// Relation compares two values, such as ip[8] < 5.
type Relation struct {
	place
	op          relop
	left, right arith
}

// relop is the operator of a Relation.
type relop uint8

const (
	relEq relop = iota
	relNe
	relGt
	relLe
	relGe
	relLt
)

var relNames = [...]string{"=", "!=", ">", "<=", ">=", "<"}

// arith is an arithmetic expression: *number, *load, *length, *negation or
// *operation.
type arith interface {
	String() string
	start() int
}

type number struct {
	place
	val  uint32
	text string
}

// load reads size bytes at an offset from the start of a protocol's header.
type load struct {
	place
	proto  proto
	offset arith
	size   token // zero when it was not written: one byte
}

// length is the packet's length on the wire.
type length struct{ place }

type negation struct {
	place
	x arith
}

// operation applies op, one of + - * / % & | ^ and L or R for shifts.
type operation struct {
	place
	op          byte
	left, right arith
}

func (n *number) start() int    { return int(n.place) }
func (n *load) start() int      { return int(n.place) }
func (n *length) start() int    { return int(n.place) }
func (n *negation) start() int  { return int(n.place) }
func (n *operation) start() int { return int(n.place) }

// Special is one of the primitives with a form of its own: less, greater,
// byte, broadcast, multicast, inbound, outbound, ifindex, vlan, mpls, pppoed,
// pppoes, geneve, llc.
type Special struct {
	place
	word kind   // the keyword's token
	prot proto  // before broadcast and multicast
	num  uint32 // length, VLAN tag, MPLS label, session, VNI, interface, byte's index
	has  bool   // whether num was written
	op   byte   // of byte: one of = < > & |
	val  uint32 // of byte
	name string // of llc: a type
}
