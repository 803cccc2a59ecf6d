package filter

import (
	"errors"
	"strings"
	"testing"
)

// FuzzCompile looks for expressions on which the compiler panics, makes a
// program that is not valid, or prints a tree that means something else.
func FuzzCompile(f *testing.F) {
	for i, p := range productions {
		for _, e := range p.exprs {
			f.Add(strings.TrimPrefix(e, "-"), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, expr string, l uint8) {
		opts := Options{LinkType: LinkType(l) % numLinkTypes, Live: l >= 128, Resolver: fewNames{}}
		p, err := Compile(expr, opts)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(expr) || e.Msg == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		checkValid(t, p)
		for _, pkt := range corpus(offline(opts.LinkType))[:50] {
			p.Match(pkt.data, pkt.wireLen)
			p.MatchAux(pkt.data, pkt.wireLen, Aux{VLANPresent: true, VLANTag: 5})
		}
		if p.Tree() == nil {
			return
		}
		_ = p.Explain()
		q, err := Compile(p.Tree().String(), opts)
		if err != nil {
			t.Fatalf("printed as %q: %v", p.Tree().String(), err)
		}
		if q.Dump() != p.Dump() {
			t.Fatalf("printed as %q is another program", p.Tree().String())
		}
	})
}

// checkValid checks what the kernel checks, but for loops.
func checkValid(t *testing.T, p *Program) {
	for i, ins := range p.insns {
		code := int(ins.Op)
		if opClass(code) == classJMP {
			if code == opJa {
				if to := i + 1 + int(int32(ins.K)); to < 0 || to >= p.Len() {
					t.Fatalf("instruction %d jumps out of the program", i)
				}
			} else if i+1+int(max(ins.Jt, ins.Jf)) >= p.Len() {
				t.Fatalf("instruction %d jumps out of the program", i)
			}
		}
		if (code == opSt || code == opStx || code == opLdMem || code == opLdxMem) && ins.K >= memWords {
			t.Fatalf("instruction %d names cell %d", i, ins.K)
		}
	}
	if opClass(int(p.insns[p.Len()-1].Op)) != classRET {
		t.Fatal("the last instruction is no return")
	}
	if !p.loops && unsetCells(p.insns) != 0 {
		t.Fatal("a cell is read before it is written")
	}
}
