package filter

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLaws checks laws of logic on random expressions, without a reference.
func TestLaws(t *testing.T) {
	count := max(fewer(300), min(*randomCount, 5000))
	checked := 0
	for n := range count {
		w := writer{rand.New(rand.NewPCG(*randomSeed+7, uint64(n)))}
		s := randomScene(w)
		a, b := w.term(1), w.term(1)
		if _, err := Compile(a, s.opts); err != nil {
			continue
		}
		checked++
		same(t, s, "not not ("+a+")", a)
		same(t, s, "("+a+")", a)
		if moves(a) {
			continue
		}
		same(t, s, "("+a+") or ("+a+")", a)
		same(t, s, "("+a+") and ("+a+")", a)
		if p, err := Compile("("+a+") and not ("+a+")", s.opts); err == nil {
			if got := selectedBy(p.insns, corpus(s)); len(got) > 0 {
				t.Errorf("%s: %q and its negation both match %d packets", s.name, a, len(got))
			}
		}
		if _, err := Compile(b, s.opts); err != nil || moves(b) {
			continue
		}
		same(t, s, fmt.Sprintf("not ((%s) and (%s))", a, b), fmt.Sprintf("not (%s) or (not (%s))", a, b))
		same(t, s, fmt.Sprintf("not ((%s) or (%s))", a, b), fmt.Sprintf("not (%s) and (not (%s))", a, b))
	}
	if checked < count/4 {
		t.Errorf("only %d of %d random expressions compile", checked, count)
	}
}

// moves reports whether an expression changes what those after it mean.
func moves(e string) bool {
	for _, w := range []string{"vlan", "mpls", "pppoes", "geneve"} {
		if strings.Contains(e, w) {
			return true
		}
	}
	return false
}

// same fails unless both expressions select the same packets. An expression
// that rejects all packets is refused, and selects none.
func same(t *testing.T, s scene, a, b string) {
	t.Helper()
	sets := [2]map[int]bool{}
	for i, e := range []string{a, b} {
		p, err := Compile(e, s.opts)
		switch {
		case err == nil:
			sets[i] = selectedBy(p.insns, corpus(s))
		case !strings.Contains(err.Error(), "rejects all packets") && !strings.Contains(err.Error(), "memory cells"):
			t.Errorf("%s: %q: %v", s.name, e, err)
			return
		}
	}
	reportDiff(t, s, a+"  vs  "+b, corpus(s), sets[0], sets[1])
}

// TestStringReadsBack checks that a printed tree compiles to the same program.
func TestStringReadsBack(t *testing.T) {
	for n := range max(fewer(500), min(*randomCount, 20000)) {
		w := writer{rand.New(rand.NewPCG(*randomSeed+11, uint64(n)))}
		s := randomScene(w)
		expr := w.expr(2)
		p, err := Compile(expr, s.opts)
		if err != nil {
			continue
		}
		text := p.Tree().String()
		q, err := Compile(text, s.opts)
		if err != nil {
			t.Errorf("%q printed as %q: %v", expr, text, err)
		} else if p.Dump() != q.Dump() {
			t.Errorf("%q printed as %q is another program", expr, text)
		}
		if p.Explain() == "" || strings.Contains(p.Explain(), "%!") {
			t.Errorf("%q explained as %q", expr, p.Explain())
		}
	}
}

// farLoad finds offsets that may be larger than any packet.
var farLoad = regexp.MustCompile(`\[[^]]*(0xffff|\[|[-*^]|<<|len)`)

// TestOptimizerKeepsPackets compares programs with their form before the
// optimizer, on packets so long that no load fails and without divisions: then
// the optimizer may change nothing.
func TestOptimizerKeepsPackets(t *testing.T) {
	var long [][]byte
	for i, p := range corpus(offline(Ethernet)) {
		if i%7 == 0 {
			long = append(long, append(append([]byte(nil), p.data...), make([]byte, 1<<10)...))
		}
	}
	for n := range max(fewer(300), *randomCount) {
		w := writer{rand.New(rand.NewPCG(*randomSeed+13, uint64(n)))}
		s := offline(Ethernet)
		expr := w.expr(2)
		p, err := Compile(expr, s.opts)
		if err != nil || strings.ContainsAny(expr, "/%") || farLoad.MatchString(expr) {
			continue
		}
		s.opts.NoOptimize = true
		q, err := Compile(expr, s.opts)
		if err != nil {
			t.Errorf("%q without the optimizer: %v", expr, err)
			continue
		}
		for _, data := range long {
			if a, b := p.Match(data, 300), q.Match(data, 300); a != b {
				if asTcpdump(t, expr, p) {
					t.Logf("%q: the optimizer errs, and libpcap's errs alike", expr)
				} else {
					t.Errorf("%q: packet %x: optimized %v, plain %v", expr, data[:80], a, b)
				}
				break
			}
		}
	}
}

// asTcpdump reports whether a program is tcpdump's to the bit.
func asTcpdump(t *testing.T, expr string, p *Program) bool {
	prog, err := newOracle(t).program(offline(Ethernet), expr)
	return err == nil && slices.Equal(prog, p.insns)
}
