package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// Program is a compiled expression. It never changes, and is safe for
// concurrent use.
type Program struct {
	expr  string
	tree  Expr
	opts  Options
	insns []bpf.RawInstruction
	loops bool
}

// Compile compiles an expression for the packets that opts describes. The
// empty expression matches every packet. The error is an *Error that says
// what was refused and where.
func Compile(expr string, opts Options) (prog *Program, err error) {
	defer recoverInto(expr, &err)
	opts, err = opts.withDefaults()
	if err != nil {
		return nil, &Error{Expr: expr, Msg: err.Error()}
	}
	tree, err := Parse(expr)
	if err != nil {
		return nil, err
	}
	p := &Program{expr: expr, tree: tree, opts: opts}
	p.insns = translate(tree, opts)
	p.loops = slices.ContainsFunc(p.insns, func(ins bpf.RawInstruction) bool {
		return ins.Op == opJa && int32(ins.K) < 0
	})
	if !p.loops && unsetCells(p.insns) != 0 {
		// The optimizer, as libpcap's, can drop the one store that a later
		// block relies on. As long as it was, the program is right.
		opts.NoOptimize = true
		p.insns = translate(tree, opts)
		if unset := unsetCells(p.insns); unset != 0 {
			p.insns = zeroCells(unset, p.insns)
		}
	}
	if len(p.insns) > opts.MaxInstructions {
		failf(0, "program of %d instructions is longer than %d", len(p.insns), opts.MaxInstructions)
	}
	return p, nil
}

// translate makes the instructions for a tree.
func translate(tree Expr, opts Options) []bpf.RawInstruction {
	g := newGenerator(opts)
	root := g.program(tree)
	if g.noOptimize || opts.NoOptimize {
		return emit(root)
	}
	o := optimizer{root: root, kinds: map[uint64]*block{}}
	if o.number() > blocksPerInsn*opts.MaxInstructions {
		failf(0, "expression of %d tests is too large", len(o.blocks))
	}
	root = o.optimize()
	if root.isReturn() && root.last.k == 0 {
		failf(0, "expression rejects all packets")
	}
	return emit(root)
}

// blocksPerInsn bounds what the optimizer is given, whose time grows with the
// square of it: programs of nothing but addresses shrink to half as many
// instructions as they have blocks.
const blocksPerInsn = 3

// Len returns the number of instructions.
func (p *Program) Len() int { return len(p.insns) }

// Raw returns a copy of the program for bpf.Assemble's users, such as
// Conn.SetBPF, and for the kernel: the fields of a RawInstruction are those of
// a struct sock_filter. Use Attachable to ask whether the kernel takes it.
func (p *Program) Raw() []bpf.RawInstruction {
	return slices.Clone(p.insns)
}

// Attachable returns nil if the program can be attached to a packet socket,
// and else why not: the kernel takes no loops, which protochain compiles to;
// the programs for saved packets do not look for the VLAN tags that Linux takes
// out of a packet; and the kernel's packets have no cooked or BSD headers.
func (p *Program) Attachable() error {
	switch {
	case p.loops:
		return fmt.Errorf("filter: protochain needs a loop, which the kernel does not run")
	case !p.opts.Live:
		return fmt.Errorf("filter: compiled for saved packets (Options.Live is false)")
	case p.opts.LinkType != Ethernet && p.opts.LinkType != RawIP:
		return fmt.Errorf("filter: packets in the kernel do not start with a header of %s", p.opts.LinkType)
	case len(p.insns) > maxKernelInsns:
		return fmt.Errorf("filter: %d instructions, and the kernel takes %d", len(p.insns), maxKernelInsns)
	}
	return nil
}

// Expr returns the expression as it was given to Compile.
func (p *Program) Expr() string { return p.expr }

// Tree returns the parsed expression, or nil for the empty one.
func (p *Program) Tree() Expr { return p.tree }

// LinkType returns the link type that the program was compiled for.
func (p *Program) LinkType() LinkType { return p.opts.LinkType }
