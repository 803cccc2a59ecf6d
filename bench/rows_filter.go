package main

import (
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"strings"

	"golang.org/x/net/bpf"

	"sonde/bench/internal/measure"
	"sonde/capture/filter"
)

// filterRows are tcpdump's expressions, compiled and run.
func filterRows() []row {
	return []row{
		{"filter-compile", "an expression to BPF, against the CPU time of tcpdump -d less that of starting it", filterCompile},
		{"filter-match", "a program on a packet that matches and on one that does not, against x/net/bpf's machine", filterMatch},
	}
}

// expressions have names, since they are long. The first one stands for starting
// tcpdump: compiling it takes next to nothing.
var expressions = []struct{ name, text string }{
	{"tcp", "tcp"},
	{"port", "tcp port 80"},
	{"hosts", "tcp port 80 and (host 10.0.0.1 or net 192.168.0.0/16) and not (src port 443 or ip6)"},
	{"flags", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8"},
	{"vlan", "vlan 7 and udp portrange 5000-6000 and greater 100 or icmp6 and ip6[40] = 135"},
	{"40 hosts", terms(40, "host 10.0.%d.1")},
	{"100 ports", terms(100, "tcp dst port %d")},
}

// terms joins n of them by or; each has its number in it.
func terms(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i+1))
	}
	return strings.Join(all, " or ")
}

func filterCompile(e *env) ([]measure.Line, error) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		return skipped("tcpdump is not installed"), nil
	}
	theirs := make([][]float64, len(expressions)) // CPU µs of processes
	length := make([]int, len(expressions))
	err = e.rounds(func(round int) error {
		for i := range expressions {
			i = (i + round) % len(expressions)
			x := expressions[i]
			cmd := exec.Command(tcpdump, "-y", "EN10MB", "-d", x.text)
			out, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("tcpdump -d %s: %w", x.name, err)
			}
			length[i] = bytes.Count(out, []byte("\n"))
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			theirs[i] = append(theirs[i], float64(cpu.Microseconds()))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var lines []measure.Line
	for i, x := range expressions {
		figures, err := compileFigures(e, x.text, length[i])
		if err != nil {
			return nil, err
		}
		process, _ := measure.Median(theirs[i])
		figures = append(figures, measure.NewFigure("tcpdump -d CPU µs", process, 0, nil))
		if i > 0 {
			figures = append(figures, besideStart(figures[0].Value, theirs[i], theirs[0])...)
		}
		lines = append(lines, measure.Line{Client: x.name, Figures: figures})
	}
	return lines, nil
}

// compileFigures are sonde's, and the length beside that of libpcap's program.
func compileFigures(e *env, text string, libpcap int) ([]measure.Figure, error) {
	opts := filter.Options{Resolver: filter.NoNames{}}
	prog, err := filter.Compile(text, opts)
	if err != nil {
		return nil, err
	}
	ours := measure.Loops(e.loopBudget()/20, []measure.Loop{{Run: func(n int) {
		for range n {
			filter.Compile(text, opts)
		}
	}}})[0]
	return []measure.Figure{
		measure.NewFigure("sonde µs", ours.Nanos/1e3, ours.Spread/1e3, nil),
		measure.NewFigure("allocs", ours.Allocs, 0, nil),
		measure.NewFigure("instructions", float64(prog.Len()), 0, nil),
		measure.NewFigure("÷ libpcap's", float64(prog.Len())/float64(libpcap), 0, measure.AtMost(1.25)),
	}, nil
}

// besideStart compares with what a process took more than one that only starts. What
// is less than the error of that difference is no figure.
func besideStart(ours float64, process, start []float64) []measure.Figure {
	all, spread := measure.Median(process)
	base, baseSpread := measure.Median(start)
	// The standard error of a median, when values are spread as usual, is 1.86 times
	// half the distance of the quartiles ÷ √n.
	failure := 1.86 * math.Hypot(spread, baseSpread) / math.Sqrt(float64(len(process)))
	more := []measure.Figure{measure.NewFigure("less start", all-base, failure, nil)}
	if all-base > 2*failure {
		more = append(more, measure.NewFigure("sonde ÷ that", ours/(all-base), 0, nil))
	}
	return more
}

func filterMatch(e *env) ([]measure.Line, error) {
	match := segment()
	other := segment()
	other[23] = 17 // not TCP
	var lines []measure.Line
	for _, x := range expressions {
		prog, err := filter.Compile(x.text, filter.Options{Resolver: filter.NoNames{}})
		if err != nil {
			return nil, err
		}
		instructions, ok := bpf.Disassemble(prog.Raw())
		if !ok {
			return nil, fmt.Errorf("%s: x/net/bpf does not know an instruction", x.name)
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			return nil, err
		}
		for _, frame := range [][]byte{match, other} {
			if n, err := vm.Run(frame); err != nil || n > 0 != prog.Match(frame, len(frame)) {
				return nil, fmt.Errorf("%s: the machines differ: %d, %v", x.name, n, err)
			}
		}
		results := measure.Loops(e.loopBudget()/5, []measure.Loop{
			{Run: func(n int) {
				for range n {
					prog.Match(match, len(match))
					prog.Match(other, len(other))
				}
			}},
			{Run: func(n int) {
				for range n {
					vm.Run(match)
					vm.Run(other)
				}
			}},
		})
		ours, theirs := results[0], results[1]
		lines = append(lines, measure.Line{Client: x.name, Figures: []measure.Figure{
			measure.NewFigure("sonde ns/packet", ours.Nanos/2, ours.Spread/2, nil),
			measure.NewFigure("x/net/bpf ns/packet", theirs.Nanos/2, theirs.Spread/2, nil),
			measure.NewFigure("÷", ours.Nanos/theirs.Nanos, 0, nil),
			measure.NewFigure("allocs/packet", ours.Allocs/2, 0, measure.Allocs(0)),
		}})
	}
	return lines, nil
}
