package filter

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

var benchExprs = []struct{ name, expr string }{
	{"short", "tcp port 80"},
	{"middle", "tcp port 80 and (host 10.0.0.1 or net 192.168.0.0/16) and not (src port 443 or ip6)"},
	{"flags", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8"},
	{"long", strings.TrimSuffix(strings.Repeat("host 10.0.0.1 and port 80 or ether[0] & 1 = 0 and ip6 net 2001:db8::/32 or ", 12), " or ")},
}

// BenchmarkCompile measures a compilation, to hold against BenchmarkTcpdump:
// a run of tcpdump -d for the same expression.
func BenchmarkCompile(b *testing.B) {
	for _, x := range benchExprs {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(x.expr, Options{Resolver: NoNames{}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTcpdump measures tcpdump -d as a whole process.
func BenchmarkTcpdump(b *testing.B) {
	path := tcpdump(b)
	for _, x := range benchExprs {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				if err := exec.Command(path, "-y", "EN10MB", "-d", x.expr).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatch measures a packet's way through the program that accepts it,
// in our machine and in that of golang.org/x/net/bpf.
func BenchmarkMatch(b *testing.B) {
	frame := hexBytes("0a0b0c0d0e0f 010203040506 0800", ip4(6, "0000", "", tcp(40000, 80, 2)))
	for _, x := range benchExprs[:3] {
		p, err := Compile(x.expr, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(x.name+"/sonde", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(frame, len(frame))
			}
		})
		insns, _ := bpf.Disassemble(p.Raw())
		vm, err := bpf.NewVM(insns)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(x.name+"/xnet", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vm.Run(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMatchDoesNotAllocate keeps Match free for every packet.
func TestMatchDoesNotAllocate(t *testing.T) {
	p, err := Compile("tcp port 80 or udp port 53", Options{})
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 60)
	n := testing.AllocsPerRun(100, func() {
		p.Match(frame, len(frame))
		p.MatchAux(frame, len(frame), Aux{})
	})
	if n > 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}
