package sockets

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func socketBetween(local, remote string) *Socket {
	s := &Socket{Proto: TCP, Family: IPv4, State: Established,
		Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote)}
	if s.Local.Addr().Is6() {
		s.Family = IPv6
		s.Local = netip.AddrPortFrom(s.Local.Addr().Unmap(), s.Local.Port())
		s.Remote = netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	}
	return s
}

func TestMatch(t *testing.T) {
	v4 := socketBetween("10.1.2.3:40000", "192.0.2.1:443")
	v6 := socketBetween("[2001:db8::1]:40000", "[2001:db8::2]:443")
	mapped := socketBetween("[::ffff:10.1.2.3]:80", "[::ffff:192.0.2.1]:5000")
	bound := socketBetween("10.1.2.3:40000", "192.0.2.1:443")
	bound.Interface = 3
	for _, row := range []struct {
		filter  Filter
		matches [4]bool // v4, v6, mapped, bound
	}{
		{Filter{}, [4]bool{true, true, true, true}},
		{Not(Filter{}), [4]bool{}},
		{Not(Not(Filter{})), [4]bool{true, true, true, true}},
		{And(), [4]bool{true, true, true, true}},
		{Or(), [4]bool{true, true, true, true}},
		{Or(LocalPort(1), Filter{}), [4]bool{true, true, true, true}},
		{And(LocalPort(80), Filter{}), [4]bool{false, false, true, false}},
		{RemotePort(443), [4]bool{true, true, false, true}},
		{Port(80), [4]bool{false, false, true, false}},
		{LocalPorts(80, 40000), [4]bool{true, true, true, true}},
		{LocalPorts(81, 39999), [4]bool{}},
		{LocalPrefix(netip.MustParsePrefix("10.0.0.0/8")), [4]bool{true, false, true, true}},
		{LocalPrefix(netip.MustParsePrefix("::ffff:10.0.0.0/104")), [4]bool{true, false, true, true}},
		{LocalPrefix(netip.MustParsePrefix("::/0")), [4]bool{false, true, true, false}},
		{LocalPrefix(netip.MustParsePrefix("::/64")), [4]bool{false, false, true, false}},
		{LocalPrefix(netip.MustParsePrefix("0.0.0.0/0")), [4]bool{true, false, true, true}},
		{RemotePrefix(netip.MustParsePrefix("2001:db8::/127")), [4]bool{}},
		{RemotePrefix(netip.MustParsePrefix("2001:db8::2/127")), [4]bool{false, true, false, false}},
		{LocalPrefix(netip.Prefix{}), [4]bool{}},
		{Interface(3), [4]bool{false, false, false, true}},
		{Connection(v4.Local, v4.Remote), [4]bool{true, false, false, true}},
		{Connection(mapped.Remote, mapped.Local), [4]bool{false, false, true, false}},
	} {
		for i, s := range []*Socket{v4, v6, mapped, bound} {
			if got := row.filter.Match(s); got != row.matches[i] {
				t.Errorf("%q of %v is %v", row.filter, s, got)
			}
		}
	}
}

// TestBytecode states programs by hand: the kernel's opinion of compiled ones is
// asked in TestFiltersAgree.
func TestBytecode(t *testing.T) {
	if bigEndian {
		t.Skip("the programs are written for little-endian machines")
	}
	for _, row := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, ""},
		{LocalPorts(0, 65535), ""},
		// At least 80, or jump 16 + 4 from the start; at most 80, or 8 less.
		{LocalPort(80), "\x02\x08\x14\x00\x00\x00\x50\x00" + "\x03\x08\x0c\x00\x00\x00\x50\x00"},
		{Not(Filter{}), "\x01\x04\x08\x00"},
		{Interface(2), "\x09\x08\x0c\x00\x02\x00\x00\x00"},
		{Not(Interface(2)), "\x09\x08\x0c\x00\x02\x00\x00\x00" + "\x01\x04\x08\x00"},
		{Or(Interface(1), Interface(2)),
			"\x09\x08\x0c\x00\x01\x00\x00\x00" + "\x01\x04\x0c\x00" + "\x09\x08\x0c\x00\x02\x00\x00\x00"},
	} {
		got, err := row.filter.Bytecode()
		if err != nil || string(got) != row.want {
			t.Errorf("%q compiles to % x, %v; want % x", row.filter, got, err, row.want)
		}
	}
	long := Interface(0)
	for range 10_000 {
		long = Or(long, Interface(1))
	}
	if _, err := long.Bytecode(); err == nil {
		t.Error("a filter of 120,000 bytes compiles")
	}
}

// randomFilter makes any filter, in the neighbourhood of the given ports.
func randomFilter(r *rand.Rand, depth int, ports []uint16) Filter {
	port := func() uint16 { return ports[r.IntN(len(ports))] + uint16(r.IntN(3)) - 1 }
	prefixes := []string{
		"127.0.0.0/8", "127.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0", "0.0.0.0/32",
		"::1/128", "::/0", "::/64", "::/128", "fe80::/10", "::ffff:127.0.0.1/128", "::ffff:0:0/95",
	}
	prefix := func() netip.Prefix { return netip.MustParsePrefix(prefixes[r.IntN(len(prefixes))]) }
	kind := r.IntN(9)
	if depth == 0 {
		kind = r.IntN(6)
	}
	sub := func() Filter { return randomFilter(r, depth-1, ports) }
	switch kind {
	case 0:
		return LocalPort(port())
	case 1:
		return RemotePort(port())
	case 2:
		return LocalPorts(port(), port())
	case 3:
		return LocalPrefix(prefix())
	case 4:
		return RemotePrefix(prefix())
	case 5:
		return Interface(uint32(r.IntN(2)))
	case 6:
		return And(sub(), sub(), sub())
	case 7:
		return Or(sub(), sub(), sub())
	default:
		return Not(sub())
	}
}

// TestFilterText: the text of any filter means the same when it is read back.
func TestFilterText(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	samples := []*Socket{
		socketBetween("127.0.0.1:80", "127.0.0.1:40000"), socketBetween("[::1]:80", "[::1]:40000"),
		socketBetween("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:81"), socketBetween("0.0.0.0:79", "0.0.0.0:0"),
	}
	for range 500 {
		f := randomFilter(r, 3, []uint16{80, 40000})
		text := f.String()
		back, err := ParseFilter(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, s := range samples {
			if f.Match(s) != back.Match(s) {
				t.Fatalf("%s of %v is %v, and %v when read back as %s", text, s, f.Match(s), back.Match(s), back)
			}
		}
	}
}

func TestParseFilter(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", ""},
		{"sport = :80", "sport = :80"},
		{"sport=:80", "sport = :80"},
		{"sport 80", "sport = :80"},
		{"sport eq :http", "sport = :80"},
		{"dport ne :80", "not dport = :80"},
		{"dport >= :1024", "( dport >= :1024 and dport <= :65535 )"},
		{"dport le 10", "( dport >= :0 and dport <= :10 )"},
		{"src 10.0.0.0/8", "src = 10.0.0.0/8"},
		{"src 10.1.2.3/8", "src = 10.0.0.0/8"},
		{"dst 192.0.2.1:443", "( dst = 192.0.2.1/32 and dport = :443 )"},
		{"dst != 192.0.2.1", "not dst = 192.0.2.1/32"},
		{"dst ::1", "dst = [::1]/128"},
		{"dst [::1]:443", "( dst = [::1]/128 and dport = :443 )"},
		{"dst [2001:db8::]/32", "dst = [2001:db8::]/32"},
		{"dst :443", "dport = :443"},
		{"dst *", ""},
		{"dst *:443", "dport = :443"},
		{"dev = 3", "dev = 3"},
		{"dev != 3", "not dev = 3"},
		{"sport 1 or sport 2 and sport 3", "( sport = :1 or ( sport = :2 and sport = :3 ) )"},
		{"sport 1 sport 2 || sport 3", "( ( sport = :1 and sport = :2 ) or sport = :3 )"},
		{"!(sport 1|sport 2)&sport 3", "( not ( sport = :1 or sport = :2 ) and sport = :3 )"},
		{"not not sport 1", "not not sport = :1"},
	} {
		f, err := ParseFilter(row.text)
		if err != nil || f.String() != row.want {
			t.Errorf("%q is read as %q, %v; want %q", row.text, f, err, row.want)
		}
	}
	for _, wrong := range []string{
		"sport", "sport =", "sport = :", "sport = :70000", "sport = :-1", "sport = :nobody-has-this",
		"sport = :80 and", "or", "( sport 80", "sport 80 )", "()", "not", "src", "src <= 10.0.0.1", "src 10.0.0.0/33",
		"src nonsense", "dev nonsense0", "dev > 3", "color = blue", "sport 80 or or sport 81", "sport = = :80",
		strings.Repeat("(", 200) + "sport 1" + strings.Repeat(")", 200), strings.Repeat("! ", 5000) + "sport 1",
	} {
		if f, err := ParseFilter(wrong); err == nil {
			t.Errorf("%.40q is read as %q", wrong, f)
		}
	}
}

func TestParseQuery(t *testing.T) {
	for _, row := range []struct {
		text   string
		states StateSet
		filter string
	}{
		{"", 0, ""}, // the caller may have a choice of its own
		{"state all", EveryState, ""},
		{"state time-wait", StatesOf(TimeWait), ""},
		{"state TIME_WAIT state listening sport = :80", StatesOf(TimeWait, Listen), "sport = :80"},
		{"state connected exclude time-wait", ConnectedStates &^ StatesOf(TimeWait), ""},
		{"exclude bucket dport 80", BigStates, "dport = :80"},
	} {
		q, err := ParseQuery(row.text)
		if err != nil || q.States != row.states || q.Filter.String() != row.filter {
			t.Errorf("%q is read as %b %q, %v", row.text, q.States, q.Filter, err)
		}
	}
	for _, wrong := range []string{"state", "state asleep", "state listen exclude all", "exclude", "sport 80 state listen", "fwmark = 1", "src localhost"} {
		if _, err := ParseQuery(wrong); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"", "state time-wait sport = :80", "!(src 10.0.0.0/8|dst [::1]:80)&&dport>=:1", "dev != 3 or not sport :1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuery(text)
		if err != nil {
			return
		}
		again, err := ParseFilter(q.Filter.String())
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, q.Filter, err)
		}
		if again.String() != q.Filter.String() && !strings.Contains(q.Filter.String(), "(") {
			t.Fatalf("%q is written as %q and then as %q", text, q.Filter, again)
		}
		if _, err := q.Filter.Bytecode(); err != nil && len(text) < 4000 {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
