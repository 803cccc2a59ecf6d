package filter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// The installed tcpdump is the reference. Its program for an expression is
// asked for once, as numbers, and run on all packets in the same machine as
// ours; TestOracle checks by samples that tcpdump itself picks the same ones.

// tcpdump returns the path of tcpdump, or skips the test.
func tcpdump(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed, and it is the reference for this test")
	}
	return path
}

// scene is a kind of packet source to compile for.
type scene struct {
	name string
	opts Options
}

// fewNames knows the names that are alike on every system.
type fewNames struct{ NoNames }

func (fewNames) Protocol(name string) (uint8, error) {
	if v, ok := map[string]uint8{"tcp": 6, "udp": 17, "icmp": 1}[name]; ok {
		return v, nil
	}
	return 0, errNoSuchName
}

func offline(l LinkType) scene {
	return scene{l.String(), Options{LinkType: l, Resolver: fewNames{}}}
}

// liveScene is a packet socket on the loopback device, which is Ethernet.
func liveScene() scene {
	return scene{"live", Options{Live: true, Resolver: fewNames{}, Netmask: []byte{0, 0, 0, 0}}}
}

var offlineScenes = func() (all []scene) {
	for l := Ethernet; l < numLinkTypes; l++ {
		all = append(all, offline(l))
	}
	return all
}()

// oracle asks tcpdump for programs.
type oracle struct {
	path string
	dir  string
}

func newOracle(t testing.TB) *oracle {
	return &oracle{path: tcpdump(t), dir: t.TempDir()}
}

// errRefused is how tcpdump refuses an expression.
var errRefused = errors.New("refused")

// program returns tcpdump's program for an expression. Where the optimizer of
// libpcap made one that reads a memory cell before it was written, what
// tcpdump does is left to chance, and its program without the optimizer counts.
func (o *oracle) program(s scene, expr string) ([]bpf.RawInstruction, error) {
	prog, err := o.ask(s, expr, "-ddd")
	if err == nil && !looping(prog) && unsetCells(prog) != 0 {
		return o.ask(s, expr, "-ddd", "-O")
	}
	return prog, err
}

func looping(prog []bpf.RawInstruction) bool {
	return slices.ContainsFunc(prog, func(ins bpf.RawInstruction) bool {
		return ins.Op == opJa && int32(ins.K) < 0
	})
}

func (o *oracle) ask(s scene, expr string, args ...string) ([]bpf.RawInstruction, error) {
	if s.opts.Live {
		args = append(args, "-i", "lo")
	} else {
		args = append(args, "-r", o.file(s.opts.LinkType, nil))
	}
	cmd := exec.Command(o.path, append(args, "--", expr)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		why := lines[len(lines)-1]
		if strings.Contains(why, "permission") || strings.Contains(why, "No such device") {
			return nil, errors.New(why)
		}
		return nil, fmt.Errorf("%w: %s", errRefused, strings.TrimPrefix(why, "tcpdump: "))
	}
	return parseDecimal(string(out))
}

func parseDecimal(s string) ([]bpf.RawInstruction, error) {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	var prog []bpf.RawInstruction
	for _, line := range lines[1:] {
		var ins bpf.RawInstruction
		if _, err := fmt.Sscan(line, &ins.Op, &ins.Jt, &ins.Jf, &ins.K); err != nil {
			return nil, fmt.Errorf("line %q: %v", line, err)
		}
		prog = append(prog, ins)
	}
	return prog, nil
}

// file writes packets to a pcap file and returns its path.
func (o *oracle) file(l LinkType, pkts []packet) string {
	path := filepath.Join(o.dir, fmt.Sprintf("%d.%d.pcap", l, len(pkts)))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.WriteFile(path, pcapFile(l, pkts), 0o600); err != nil {
		panic(err)
	}
	return path
}

// pcapFile is packets as a pcap file. The time of each is its index.
func pcapFile(l LinkType, pkts []packet) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	out = le.AppendUint32(out, 2|4<<16)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	out = le.AppendUint32(out, defaultSnapLen)
	out = le.AppendUint32(out, l.Pcap())
	for i, p := range pkts {
		out = le.AppendUint32(out, uint32(i))
		out = le.AppendUint32(out, 0)
		out = le.AppendUint32(out, uint32(len(p.data)))
		out = le.AppendUint32(out, uint32(p.wireLen))
		out = append(out, p.data...)
	}
	return out
}

// selected returns the indices of the packets that tcpdump itself selects.
func (o *oracle) selected(t testing.TB, l LinkType, pkts []packet, expr string) map[int]bool {
	t.Helper()
	out, err := exec.Command(o.path, "-r", o.file(l, pkts), "-w", "-", "--", expr).Output()
	if err != nil {
		t.Fatalf("tcpdump %q: %v", expr, err)
	}
	set := map[int]bool{}
	for out = out[24:]; len(out) >= 16; {
		set[int(binary.LittleEndian.Uint32(out))] = true
		out = out[16+binary.LittleEndian.Uint32(out[8:]):]
	}
	return set
}

// selectedBy returns the indices of the packets that a program selects.
func selectedBy(prog []bpf.RawInstruction, pkts []packet) map[int]bool {
	set := map[int]bool{}
	for i, p := range pkts {
		if RunRaw(prog, p.data, p.wireLen, p.aux) != 0 {
			set[i] = true
		}
	}
	return set
}

// selectedByNet is selectedBy in the machine of golang.org/x/net/bpf. It
// returns false for programs that machine does not run: those with loops, those
// that ask for ancillary data, and those that negate (its NEG does nothing). That machine takes the packet's captured
// length for its length, so only whole packets are asked about.
func selectedByNet(prog []bpf.RawInstruction, pkts []packet) (map[int]bool, bool) {
	insns, ok := bpf.Disassemble(prog)
	if !ok {
		return nil, false
	}
	for _, ins := range insns {
		if _, ok := ins.(bpf.LoadExtension); ok && !isLenExtension(ins) {
			return nil, false
		}
		if _, ok := ins.(bpf.NegateA); ok {
			return nil, false
		}
	}
	vm, err := bpf.NewVM(insns)
	if err != nil {
		return nil, false
	}
	set := map[int]bool{}
	for i, p := range pkts {
		if p.wireLen != len(p.data) {
			continue
		}
		if n, err := vm.Run(p.data); err == nil && n > 0 {
			set[i] = true
		}
	}
	return set, true
}

func isLenExtension(ins bpf.Instruction) bool {
	ext, ok := ins.(bpf.LoadExtension)
	return ok && ext.Num == bpf.ExtLen
}

// verdict is the outcome of one comparison.
type verdict struct {
	ours, theirs []bpf.RawInstruction
	ourErr       error
	theirErr     error
}

// refused reports whether both refused.
func (v verdict) refused() bool { return v.ourErr != nil && v.theirErr != nil }

// compare compiles an expression both ways and compares the sets of packets.
// Every difference is an error of the test.
func (o *oracle) compare(t testing.TB, s scene, expr string) (v verdict) {
	t.Helper()
	v.theirs, v.theirErr = o.program(s, expr)
	if v.theirErr != nil && !errors.Is(v.theirErr, errRefused) {
		t.Skipf("tcpdump cannot open this source: %v", v.theirErr)
	}
	p, err := Compile(expr, s.opts)
	v.ourErr = err
	switch {
	case v.refused():
		return v
	case v.theirErr != nil:
		t.Errorf("%s: %q: tcpdump refuses it (%v), we do not", s.name, expr, v.theirErr)
		return v
	case err != nil:
		t.Errorf("%s: %q: we refuse it: %v", s.name, expr, err)
		return v
	}
	v.ours = p.insns
	pkts := corpus(s)
	want, got := selectedBy(v.theirs, pkts), selectedBy(v.ours, pkts)
	reportDiff(t, s, expr, pkts, want, got)
	if net, ok := selectedByNet(v.ours, pkts); ok {
		whole := map[int]bool{}
		for i := range want {
			if pkts[i].wireLen == len(pkts[i].data) {
				whole[i] = true
			}
		}
		reportDiff(t, s, expr+" (in x/net/bpf)", pkts, whole, net)
	}
	return v
}

// reportDiff is an error for each packet that is in one set alone.
func reportDiff(t testing.TB, s scene, expr string, pkts []packet, want, got map[int]bool) {
	t.Helper()
	for i, p := range pkts {
		if want[i] != got[i] {
			t.Errorf("%s: %q: packet %s (%x): tcpdump %v, we %v", s.name, expr, p.name, p.data, want[i], got[i])
			return
		}
	}
}
