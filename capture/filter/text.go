package filter

import (
	"fmt"
	"strings"
)

// The tree in the filter language. What is printed means the same when it is
// read again: ids have all their qualifiers, values and lists parentheses.

// String prints "left and right"; a right side that itself joins is in
// parentheses, since joining goes from the left.
func (e *And) String() string { return e.Left.String() + " and " + rightSide(e.Right) }

// String prints "left or right", with parentheses as And has them.
func (e *Or) String() string { return e.Left.String() + " or " + rightSide(e.Right) }

func rightSide(e Expr) string {
	if joins(e) {
		return "(" + e.String() + ")"
	}
	return e.String()
}

func joins(e Expr) bool {
	switch e.(type) {
	case *And, *Or:
		return true
	}
	return false
}

// String prints "not x".
func (e *Not) String() string { return "not " + rightSide(e.X) }

// String prints the id with its qualifiers, whether they were written or
// inherited.
func (e *Address) String() string {
	s := dirNames[e.q.dir] + whatNames[e.q.what] + idString(e.id)
	if e.q.proto != pDefault {
		s = e.q.proto.String() + " " + s
	}
	if e.bits >= 0 {
		s += fmt.Sprintf("/%d", e.bits)
	}
	if e.mask.kind == tIPv4 {
		s += " mask " + e.mask.text
	}
	return s
}

// idString prints an id. A name that is a word of the language, or would read
// as something else than a name, has a backslash.
func idString(t token) string {
	if t.kind != tID || lenName(t.text) == len(t.text) && plainName(t.text) {
		return t.text
	}
	return `\` + t.text
}

func plainName(s string) (ok bool) {
	defer func() { ok = ok && recover() == nil }()
	toks := lex(s)
	return len(toks) == 2 && toks[0].kind == tID
}

// String prints the protocol's name.
func (e *Protocol) String() string { return e.proto.String() }

// String prints both values with the comparison between them.
func (e *Relation) String() string {
	return e.left.String() + " " + relNames[e.op] + " " + e.right.String()
}

func (n *number) String() string { return n.text }
func (n *length) String() string { return "len" }

func (n *load) String() string {
	size := ""
	if n.size.kind == tNum {
		size = ":" + n.size.text
	}
	return n.proto.String() + "[" + n.offset.String() + size + "]"
}

func (n *negation) String() string { return "-" + operandString(n.x) }

func (n *operation) String() string {
	op := string(n.op)
	switch n.op {
	case 'L':
		op = "<<"
	case 'R':
		op = ">>"
	}
	return operandString(n.left) + " " + op + " " + operandString(n.right)
}

// operandString puts parentheses around all but single values.
func operandString(a arith) string {
	switch a.(type) {
	case *operation, *negation:
		return "(" + a.String() + ")"
	}
	return a.String()
}

var specialWords = map[kind]string{tLess: "less", tGreater: "greater", tByte: "byte",
	tBroadcast: "broadcast", tMulticast: "multicast", tInbound: "inbound", tOutbound: "outbound",
	tIfIndex: "ifindex", tVLAN: "vlan", tMPLS: "mpls", tPPPoED: "pppoed", tPPPoES: "pppoes",
	tGeneve: "geneve", tLLC: "llc"}

// String prints the keyword with what follows it.
func (e *Special) String() string {
	s := specialWords[e.word]
	if e.prot != pDefault {
		s = e.prot.String() + " " + s
	}
	if e.has {
		s += fmt.Sprintf(" %d", e.num)
	}
	if e.word == tByte {
		s += fmt.Sprintf(" %c %d", e.op, e.val)
	}
	switch e.name {
	case "", "rnr": // which is a word of the language, and the only one to follow llc
		return strings.TrimRight(s+" "+e.name, " ")
	}
	return s + " " + idString(token{kind: tID, text: e.name})
}
