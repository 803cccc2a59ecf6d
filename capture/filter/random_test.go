package filter

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	randomCount = flag.Int("filter.random", fewer(400), "random expressions to compare with tcpdump")
	randomSeed  = flag.Uint64("filter.seed", 1, "seed of the random expressions")
	randomJobs  = flag.Int("filter.jobs", 2, "tcpdumps at a time")
)

// fewer is n, or a quarter of it where the race detector makes everything slow:
// it looks for races, and those show in a few expressions as well as in many.
func fewer(n int) int {
	if raceDetector {
		return n / 4
	}
	return n
}

// writer writes random expressions of the grammar. About one in ten has
// something wrong with it.
type writer struct{ *rand.Rand }

func (w writer) pick(words ...string) string { return words[w.IntN(len(words))] }

func (w writer) expr(depth int) string {
	e := w.term(depth)
	for w.IntN(10) < 5 && depth > 0 {
		join := w.pick(" and ", " or ", " && ", " || ", " and ", " or ")
		if w.IntN(40) == 0 {
			e += join + w.id()
		} else {
			e += join + w.term(depth-1)
		}
	}
	return e
}

func (w writer) term(depth int) string {
	switch w.IntN(12) {
	case 0, 1:
		return w.pick("not ", "!", "! ") + w.term(depth)
	case 2:
		if depth > 0 {
			return "(" + w.expr(depth-1) + ")"
		}
	case 3, 4:
		return w.relation()
	case 5, 6:
		return w.proto()
	case 7:
		return w.special()
	}
	return w.head()
}

// head is qualifiers, and ids that go with them nine times in ten.
func (w writer) head() string {
	dir := w.pick("", "", "", "src ", "dst ", "src or dst ", "dst and src ")
	var head string
	ids := w.id
	switch w.IntN(8) {
	case 0, 1:
		head, ids = w.pick("", "tcp ", "udp ", "sctp ")+dir+"port", w.port
	case 2:
		head, ids = w.pick("", "tcp ", "udp ", "sctp ")+dir+"portrange", w.portRange
	case 3:
		head, ids = w.pick("", "ip ", "arp ", "rarp ", "")+dir+"host", w.host4
	case 4:
		head, ids = w.pick("", "ip ", "arp ", "")+dir+"net", w.net4
	case 5:
		head, ids = w.pick("", "ip6 ")+dir+w.pick("host", "net"), w.host6
	case 6:
		head, ids = "ether "+dir+"host", w.mac
	case 7:
		head, ids = w.pick("", "ip ", "ip6 ", "ether ", "iso ", "isis ")+"proto", w.number
	}
	if w.IntN(12) == 0 {
		head = w.proto() + " " + head
	}
	if w.IntN(12) == 0 {
		ids = w.id
	}
	return head + " " + w.ids(ids)
}

// ids is one id, now and then a list of them.
func (w writer) ids(id func() string) string {
	switch w.IntN(12) {
	case 0, 1:
		return "(" + id() + w.pick(" or ", " and ") + w.ids(id) + ")"
	case 2:
		return w.pick("not ", "!") + id()
	case 3, 4:
		return id() + w.pick(" or ", " and ", " or not ") + id()
	}
	return id()
}

func (w writer) port() string {
	return w.pick("80", "443", "53", "0x50", "40000", "(80)", "1", "65535")
}

func (w writer) portRange() string {
	return w.pick("80-90", "1-1023", "53", "90-80", "80-80", "0-65535")
}

func (w writer) host4() string {
	return w.pick("10.0.0.1", "192.168.1.2", "10.0.0.1", "224.0.0.1", "172.16.3.5", "192.168", "10")
}

func (w writer) net4() string {
	return w.pick("10.0.0.0/8", "192.168.1.0/24", "172.16.0.0 mask 255.240.0.0", "10", "192.168", "192.168.1.2/32",
		"0.0.0.0/0", "10.0.0.0 mask 255.0.0.0")
}

func (w writer) host6() string {
	return w.pick("2001:db8::1", "2001:db8::2", "2001:db8::1", "ff02::1", "::")
}

func (w writer) mac() string {
	return w.pick("0a:0b:0c:0d:0e:0f", "1:2:3:4:5:6", "0102.0304.0506", "ff:ff:ff:ff:ff:ff", "01-00-5e-00-00-01")
}

func (w writer) number() string {
	return w.pick("6", "17", "1", "58", "0x800", "15", "0x83", "0x42", "51")
}

func (w writer) id() string {
	return w.pick("80", "443", "0x50", "6", "17", "10.0.0.1", "192.168.1.2", "10.0.0.1", "192.168",
		"10.0.0.0/8", "192.168.1.0/24", "172.16.0.0 mask 255.240.0.0", "10.0.0.1/8", "80-90",
		"2001:db8::1", "2001:db8::/32", "::1", "0a:0b:0c:0d:0e:0f", "1:2:3:4:5:6", "aabb.ccdd.eeff",
		"0", "65536", "10", "192.168.1", "255.255.255.255", "1.2", "\\tcp", "foo")
}

func (w writer) proto() string {
	return w.pick("ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim",
		"vrrp", "carp", "ah", "esp", "atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl", "iso", "clnp",
		"esis", "isis", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "stp", "ipx", "netbeui",
		"ip", "tcp", "udp", "ip6", "tcp", "udp", "ip")
}

func (w writer) special() string {
	n := fmt.Sprint(w.pick("5", "100", "3", "64", "7", "1", "(5)"))
	switch w.IntN(16) {
	case 0:
		return "less " + n
	case 1:
		return "greater " + n
	case 2:
		return fmt.Sprintf("byte %d %s %d", w.IntN(40), w.pick("=", "<", ">"), w.IntN(256))
	case 3:
		return w.pick("broadcast", "ether broadcast", "ip broadcast")
	case 4:
		return w.pick("multicast", "ether multicast", "ip multicast", "ip6 multicast")
	case 5:
		return w.pick("inbound", "outbound", "ifindex 1")
	case 6, 7:
		return "vlan" + w.pick("", " "+n)
	case 8:
		return "mpls" + w.pick("", " "+n)
	case 9:
		return "pppoes" + w.pick("", " "+n)
	case 10:
		return "pppoed"
	case 11:
		return w.pick("geneve", "geneve 5")
	case 12:
		return w.pick("llc", "llc i", "llc s", "llc u", "llc rr", "llc rnr", "llc rej", "llc ui", "llc ua",
			"llc disc", "llc dm", "llc sabme", "llc test", "llc xid", "llc frmr")
	case 13:
		return fmt.Sprintf("%s %d", w.pick("ether proto", "iso proto", "isis proto", "ip proto", "ip6 proto"),
			[]int{0x800, 0x42, 0x83, 6, 17, 0xe0, 0x86dd, 15, 0x81, 300}[w.IntN(10)])
	case 14:
		return w.pick("protochain ", "ip protochain ", "ip6 protochain ") + w.pick("6", "17", "51")
	}
	return "ether proto \\" + w.pick("ip", "arp", "ip6", "stp", "iso", "ipx", "netbeui", "rarp", "aarp", "loopback")
}

func (w writer) relation() string {
	return w.arith(2) + " " + w.pick("=", "==", "!=", ">", "<", ">=", "<=") + " " + w.arith(1)
}

func (w writer) arith(depth int) string {
	if depth == 0 || w.IntN(3) == 0 {
		return w.value(depth)
	}
	switch w.IntN(8) {
	case 0:
		return "(" + w.arith(depth-1) + ")"
	case 1:
		return "-" + w.arith(depth-1)
	}
	return w.arith(depth-1) + " " + w.pick("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&") + " " + w.arith(depth-1)
}

func (w writer) value(depth int) string {
	switch w.IntN(5) {
	case 0:
		return w.pick("len", "length")
	case 1, 2:
		return w.pick("1", "1", "2", "0x10", "255", "0xffff", "4", "80", "tcp-syn", "icmp-echo", "13", "6", "31", "32")
	}
	off := fmt.Sprint(w.IntN(24))
	if depth > 0 && w.IntN(5) == 0 {
		off = w.arith(depth - 1)
	}
	proto := w.pick("ip", "tcp", "udp", "ether", "ip6", "icmp", "arp", "icmp6", "ip", "tcp", "ether")
	size := w.pick("", "", ":1", ":2", ":4")
	if w.IntN(20) == 0 {
		proto, size = w.proto(), w.pick("", ":3")
	}
	return proto + "[" + off + size + "]"
}

// scenes returns what random expressions are compiled for.
func randomScene(w writer) scene {
	switch n := w.IntN(40); {
	case n < 24:
		return offline(Ethernet)
	case n < 26: // few, since tcpdump takes long to open a device
		return liveScene()
	default:
		return offlineScenes[w.IntN(len(offlineScenes))]
	}
}

// TestRandom compares random expressions. Run it with -filter.random=100000
// for the large size.
func TestRandom(t *testing.T) {
	o := newOracle(t)
	var st stats
	eachRandom(*randomSeed, func(n int, w writer) {
		s := randomScene(w)
		e := w.expr([]int{2, 2, 2, 1, 3, 4}[w.IntN(6)])
		if !st.add(o.compare(t, s, e)) {
			t.Logf("%s: %q is not tcpdump's program, though it selects the same", s.name, e)
		}
	})
	st.report(t)
}

// eachRandom calls do with one writer for each random expression, from as many
// goroutines as tcpdumps may run at a time.
func eachRandom(seed uint64, do func(n int, w writer)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range *randomJobs {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(*randomCount); n = next.Add(1) {
				do(int(n), writer{rand.New(rand.NewPCG(seed, uint64(n)))})
			}
		})
	}
	wg.Wait()
}

// stats counts comparisons.
type stats struct {
	mu        sync.Mutex
	compared  int
	refused   int
	identical int
	ratios    []float64
}

// add counts a comparison, and reports whether the programs were the same.
func (s *stats) add(v verdict) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.refused() {
		s.refused++
		return true
	}
	if v.ours == nil || v.theirs == nil {
		return false
	}
	s.compared++
	same := len(v.ours) == len(v.theirs)
	for i := 0; same && i < len(v.ours); i++ {
		same = v.ours[i] == v.theirs[i]
	}
	if same {
		s.identical++
	}
	s.ratios = append(s.ratios, float64(len(v.ours))/float64(len(v.theirs)))
	return same
}

// report logs the counts, and holds the longest program against the bound that
// docs/filter.md promises.
func (s *stats) report(t *testing.T) {
	t.Helper()
	t.Log(s.String())
	if n := len(s.ratios); n > 0 && s.ratios[n-1] > 1.25 {
		t.Errorf("a program is %.2f times as long as tcpdump's", s.ratios[n-1])
	}
}

func (s *stats) String() string {
	if len(s.ratios) == 0 {
		return fmt.Sprintf("%d refused by both", s.refused)
	}
	sort.Float64s(s.ratios)
	at := func(q float64) float64 { return s.ratios[int(q*float64(len(s.ratios)-1))] }
	return fmt.Sprintf("%d expressions agree, %d refused by both; %d programs are tcpdump's to the bit; length against tcpdump's: min %.2f, median %.2f, 99%% %.2f, max %.2f",
		s.compared, s.refused, s.identical, at(0), at(.5), at(.99), at(1))
}

// words cuts an expression into words and punctuation, without regard to the
// grammar.
func words(expr string) []string {
	var out []string
	for _, t := range lex(expr) {
		if t.kind != tEOF {
			out = append(out, t.text)
		}
	}
	return out
}

// strays are words that a damaged expression gets.
var strays = strings.Fields("( ) ( ) not not ! and or and or src dst host net port portrange proto tcp ip ether 80 443 " +
	"10.0.0.1 ::1 1:2:3:4:5:6 / mask [ ] : = > + - * % ^ len vlan mpls llc rnr broadcast less byte protochain " +
	"ip6 tcp[0] ip[0:2] 80-90 10.0.0.0/8 arp 5")

// damage drops, doubles, swaps and adds words.
func (w writer) damage(expr string) string {
	ws := words(expr)
	for range 1 + w.IntN(3) {
		if len(ws) < 2 {
			break
		}
		i, j := w.IntN(len(ws)), w.IntN(len(ws))
		switch w.IntN(5) {
		case 0:
			ws = slices.Delete(ws, i, i+1)
		case 1:
			ws[i], ws[j] = ws[j], ws[i]
		case 2:
			ws = slices.Insert(ws, i, ws[j])
		default:
			ws = slices.Insert(ws, i, strays[w.IntN(len(strays))])
		}
	}
	return strings.Join(ws, " ")
}

// scratch changes single characters.
func (w writer) scratch(expr string) string {
	const chars = " ():.-/0x19aFg!=<>&|[]%^+*$_~89"
	d := []byte(expr)
	for range 1 + w.IntN(3) {
		if len(d) < 2 {
			break
		}
		i := w.IntN(len(d))
		switch c := chars[w.IntN(len(chars))]; w.IntN(3) {
		case 0:
			d = slices.Delete(d, i, i+1)
		case 1:
			d[i] = c
		default:
			d = slices.Insert(d, i, c)
		}
	}
	return string(d)
}

// TestRandomDamaged compares which damaged expressions are refused, and what
// the others select. Those that damage gave a name are left out: tcpdump would
// ask the network for it.
func TestRandomDamaged(t *testing.T) {
	o := newOracle(t)
	var st stats
	s := offline(Ethernet)
	eachRandom(*randomSeed+19, func(n int, w writer) {
		var e string
		if n%2 == 0 {
			e = w.scratch(w.expr(w.IntN(2)))
		} else {
			e = w.damage(strings.ReplaceAll(w.expr(w.IntN(3)), `\tcp`, "6"))
		}
		_, err := Compile(e, s.opts)
		if err != nil && (strings.Contains(err.Error(), errNamesOff.Error()) || strings.Contains(err.Error(), "range of ports")) {
			return
		}
		st.add(o.compare(t, s, e))
	})
	st.report(t)
}
