package filter

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals checks where and why an expression is refused.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		expr string
		pos  int
		msg  string
	}{
		{"ip and", 6, "ends too early"},
		{"tcp 80", 4, "syntax error at '80'"},
		{"(ip or arp", 10, "ends too early"},
		{"ip)", 2, "syntax error at ')'"},
		{"tcp and 80", 8, "nothing before it says what it is"},
		{"port 80 and @", 12, "unexpected character"},
		{"port 08", 5, "not octal"},
		{"port 99999999999", 5, "overflows 32 bits"},
		{"tcp or port 65536", 12, "more than 65535"},
		{"udp portrange 80-70000", 14, "more than 65535"},
		{"host 1.2.3.256", 5, "invalid IPv4 address"},
		{"host ::256.1.1.1", 5, "bogus IPv6 address"},
		{"host 1:2:3:", 5, "bogus ethernet address"},
		{"net 10.0.0.1/8", 4, "bits set outside its mask"},
		{"host 10.0.0.0/8", 0, "a mask goes only with net"},
		{"ip or ether host 10.0.0.1", 6, "not a link-layer address"},
		{"icmp host 10.0.0.1", 0, "'icmp' does not go with an IPv4 address"},
		{"port 10.0.0.1", 0, "'port' cannot go with an IP address"},
		{"host nonsense", 5, "unknown host 'nonsense'"},
		{"port (80 or nonsense)", 12, "unknown port 'nonsense'"},
		{"ip[0:3] = 5", 5, "data size must be 1, 2 or 4"},
		{"len / 0 = 5", 6, "division by zero"},
		{"1 << 32 = 5", 5, "shift by more than 31 bits"},
		{"ah[0] = 5", 0, "cannot be read by offset"},
		{"vlan 5000", 0, "more than 4095"},
		{"ip and mpls 5 and arp", 18, "inside MPLS only ip and ip6"},
		{"inbound", 0, "hold no direction"},
		{"ip and wlan addr1 1:2:3:4:5:6", 12, "'addr1' exists only on 802.11"},
		{"vpi 5", 0, "'vpi' exists only on ATM"},
		{"hopc 5", 0, "exists only on SS7"},
		{"on eth0", 0, "exists only on the log of PF"},
		{"gateway x", 0, "'gateway' is not supported"},
		{"byte 3 & 5", 0, "does not look at the packet"},
		{"ip protochain 6 and geneve and protochain 6", 31, "variable length"},
		{"tcp and not tcp", 0, "rejects all packets"},
		{"ether host $ab", 11, "ARCnet"},
		{"llc nonsense", 0, "unknown LLC type"},
		{`host \`, 5, "nothing follows the backslash"},
		{strings.Repeat("not ", 2000) + "ip", 4000, "nested more than"},
		{strings.Repeat(" ", maxExpr+1), maxExpr, "longer than"},
		{strings.Repeat("host 10.0.0.1 or ", 2000) + "ip", 0, "is too large"},
		{strings.Repeat("ip[0] = 1 or tcp[3] = 1 or ", 400) + "ip", 0, ""},
	} {
		_, err := Compile(tt.expr, Options{Resolver: NoNames{}})
		if tt.msg == "" {
			if err != nil {
				t.Errorf("a long expression: %v", err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v, want one with %q", tt.expr, err, tt.msg)
			continue
		}
		if e.Pos != tt.pos || !strings.Contains(e.Msg, tt.msg) || e.Expr != tt.expr {
			t.Errorf("%q: %q at %d, want %q at %d", tt.expr, e.Msg, e.Pos, tt.msg, tt.pos)
		}
	}
}

// TestOptionsRefused checks the bounds of Options.
func TestOptionsRefused(t *testing.T) {
	for _, tt := range []struct {
		opts Options
		msg  string
	}{
		{Options{LinkType: 200}, "unknown link type"},
		{Options{SnapLen: -1}, "snap length"},
		{Options{Netmask: make([]byte, 16)}, "netmask"},
		{Options{MaxInstructions: 5}, "longer than 5"},
	} {
		if _, err := Compile("tcp", tt.opts); err == nil || !strings.Contains(err.Error(), tt.msg) {
			t.Errorf("%+v: error %v, want %q", tt.opts, err, tt.msg)
		}
	}
}

// TestAttachable checks which programs are said to be for the kernel.
func TestAttachable(t *testing.T) {
	for _, tt := range []struct {
		expr string
		opts Options
		why  string
	}{
		{"tcp", Options{Live: true}, ""},
		{"tcp", Options{Live: true, LinkType: RawIP}, ""},
		{"tcp", Options{}, "saved packets"},
		{"tcp", Options{Live: true, LinkType: LinuxSLL}, "do not start with"},
		{"ip protochain 6", Options{Live: true}, "loop"},
		{strings.Repeat("ether[0] = 1 and ether[1] = 2 or ", 3000) + "ip",
			Options{Live: true, NoOptimize: true, MaxInstructions: 1 << 20}, "the kernel takes 4096"},
	} {
		p, err := Compile(tt.expr, tt.opts)
		if err != nil {
			t.Errorf("%.40q: %v", tt.expr, err)
			continue
		}
		if err := p.Attachable(); (err == nil) != (tt.why == "") || err != nil && !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%.40q: %v, want %q", tt.expr, err, tt.why)
		}
	}
}

// TestLongJumps compiles an expression whose jumps do not fit in 8 bits.
func TestLongJumps(t *testing.T) {
	o := newOracle(t)
	parts := make([]string, 150)
	for i := range parts {
		parts[i] = fmt.Sprintf("host 10.0.%d.1", i)
		if i%2 == 0 {
			parts[i] = fmt.Sprintf("tcp[%d] = %d", i%10, i)
		}
	}
	for _, expr := range []string{strings.Join(parts, " or "), "not (" + strings.Join(parts, " or ") + ") and udp"} {
		v := o.compare(t, offline(Ethernet), expr)
		if len(v.ours) != len(v.theirs) || len(v.ours) < 300 {
			t.Errorf("%d instructions, tcpdump has %d", len(v.ours), len(v.theirs))
		}
	}
}

// TestBigEndianNull compares with tcpdump reading what a big-endian machine
// wrote.
func TestBigEndianNull(t *testing.T) {
	o := newOracle(t)
	path := filepath.Join(o.dir, "big.pcap")
	header := "\xa1\xb2\xc3\xd4\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00"
	if err := os.WriteFile(path, []byte(header), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, expr := range []string{"ip", "ip6", "tcp port 80 or arp"} {
		want, err := exec.Command(o.path, "-ddd", "-r", path, expr).Output()
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(expr, Options{LinkType: Null, BigEndianNull: true})
		if err != nil {
			t.Fatal(err)
		}
		if p.DumpDecimal() != string(want) {
			t.Errorf("%q:\n%s, tcpdump has\n%s", expr, p.DumpDecimal(), want)
		}
	}
}

// TestDumps compares the three ways to print a program.
func TestDumps(t *testing.T) {
	o := newOracle(t)
	s := offline(Ethernet)
	for _, expr := range []string{"vlan 5 and ip[9] & 6 != 0", "ip protochain 6", "geneve and tcp", "len / 3 % 7 ^ 5 << 2 > -ip[2]",
		"ether[len - 1] | 3 = 7 * len", "ip[0xfffff000] = 1", "ether[ip[1] >> 2] > 5 - len", "less 5 or ip6 protochain 17"} {
		p, err := Compile(expr, s.opts)
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		for flag, got := range map[string]string{"-d": p.Dump(), "-dd": p.DumpC(), "-ddd": p.DumpDecimal()} {
			want, err := exec.Command(o.path, flag, "-r", o.file(Ethernet, nil), expr).Output()
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s %q:\n%s, tcpdump prints\n%s", flag, expr, got, want)
			}
		}
	}
}

// TestSystemNames compares the names in the system's files.
func TestSystemNames(t *testing.T) {
	o := newOracle(t)
	if _, err := os.Stat("/etc/services"); err != nil {
		t.Skip("there is no /etc/services to agree about")
	}
	s := offline(Ethernet)
	s.opts.Resolver = SystemResolver{}
	for _, expr := range []string{"port http", "port domain", "tcp port domain", "udp port ntp", "portrange ftp-ssh",
		"tcp portrange 20-https", `ip proto \ospf`, `proto \udp`, `ip6 protochain \ah`, "port ssh or smtp", `port \80`,
		"host localhost", "net loopback", "udp port telnet", "ip proto ipv6-icmp", "port bootps"} {
		o.compare(t, s, expr)
	}
}

// TestResolverFiles reads files of our own.
func TestResolverFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"services":  "# comment\nweb 80/tcp www # alias\nweb 81/udp\nbad x/tcp\n",
		"protocols": "tcpish 6 TCPISH\n",
		"networks":  "here 10.1.0.0 home\nbroken x\n",
		"ethers":    "0a:0b:0c:0d:0e:0f box\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := Options{Resolver: SystemResolver{Dir: dir}}
	for expr, same := range map[string]string{
		"port www": "tcp port 80", "ip proto TCPISH": "ip proto 6", "net home": "net 10.1.0.0/16",
		"ether host box": "ether host 0a:0b:0c:0d:0e:0f", "udp port tftp": "udp port 69", `proto \esp`: "proto 50",
	} {
		a, err := Compile(expr, opts)
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		b, err := Compile(same, opts)
		if err != nil {
			t.Fatal(err)
		}
		if a.Dump() != b.Dump() {
			t.Errorf("%q is not %q:\n%s%s", expr, same, a.Dump(), b.Dump())
		}
	}
	for _, expr := range []string{"port bad", "net broken", "ether host other", "proto other", "udp port nonsense", "port a-b"} {
		if _, err := Compile(expr, opts); err == nil {
			t.Errorf("%q was accepted", expr)
		}
	}
}
