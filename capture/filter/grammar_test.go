package filter

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// production is one rule of the grammar with expressions that use it. The
// table in docs/filter.md names each one.
type production struct {
	name  string
	exprs []string
}

// productions are accepted by tcpdump for Ethernet, but for those marked with
// a leading "-", which both refuse there.
var productions = []production{
	{"empty", []string{"", "  \t"}},
	{"expr-and", []string{"ip and tcp", "tcp && ip6", "ip and tcp and port 80", "arp and ip or tcp"}},
	{"expr-or", []string{"ip or arp", "ip || ip6", "tcp or udp or sctp or icmp", "-ip or arp and ip6"}},
	{"expr-left", []string{"tcp or udp and port 53", "port 80 and host 10.0.0.1 or arp", "ip6 or tcp and not port 22 or arp"}},
	{"inherit", []string{"port 80 or 443", "tcp port 80 or 443", "-tcp dst port 80 or 443 and 22", "src host 10.0.0.1 or 192.168.1.2",
		"host 10.0.0.1 and not 192.168.1.2", "tcp port 80 and (443 or 22)", "net 10.0.0.0/8 or 192.168.0.0/16",
		"port 80 and (udp port 53) or 443", "ip proto 6 or 17", "portrange 1-10 or 80-90", "-tcp and 80", "-port 80 and tcp and 443",
		"-(tcp port 80) or 443", "port 80 or not 443", "port 80 or ! (443 or 22)", "tcp port 80 and ((443) or 22)"}},
	{"not", []string{"not ip", "! tcp", "!tcp", "not not tcp", "not (tcp or udp)", "not port 80", "not host 10.0.0.1 and tcp", "!(ip and !tcp)"}},
	{"paren-expr", []string{"(ip)", "((tcp))", "(ip or arp) and (tcp or udp)", "not ((ip))", "-(ip", "-ip)", "-()"}},
	{"head-proto-dir-type", []string{"tcp src port 80", "udp dst port 53", "ip src host 10.0.0.1", "arp dst host 192.168.1.2",
		"ip6 src net 2001:db8::/32", "sctp src or dst port 443", "tcp src and dst port 443", "rarp src net 10.0.0.0/8",
		"-icmp src host 10.0.0.1", "-tcp host 10.0.0.1", "-arp port 80", "-ip port 80"}},
	{"head-proto-dir", []string{"ip src 10.0.0.1", "ether dst 0a:0b:0c:0d:0e:0f", "ip6 dst 2001:db8::2", "arp src 10.0.0.1", "-tcp src 80"}},
	{"head-proto-type", []string{"tcp port 80", "ip host 10.0.0.1", "ip net 10", "udp portrange 1-1023", "ether host 1:2:3:4:5:6"}},
	{"head-dir-type", []string{"src host 10.0.0.1", "dst port 80", "src or dst net 10.0.0.0/8", "dst or src port 80", "src and dst host 10.0.0.1",
		"dst and src port 443", "-src or tcp"}},
	{"head-dir", []string{"src 10.0.0.1", "dst 2001:db8::2", "src or dst 192.168.1.2", "dst and src 10.0.0.1"}},
	{"head-proto", []string{"proto 6", "ip proto 17", "ip6 proto 6", "ip6 proto 58", "ether proto 0x800", "ether proto 0x42", "ether proto 0xe0",
		"ether proto 0xfe", "ether proto 6", "ether proto 0xf0", "ether proto 1500", "ether proto 1501", "iso proto 0x83", "isis proto 18",
		"ip proto 300", "ether proto 0x12345", "-arp proto 1", "-tcp proto 6", "-src proto 6"}},
	{"head-proto-name", []string{`proto \tcp`, `ip proto \udp`, `ether proto \ip`, `ether proto \arp`, `ether proto \rarp`, `ether proto \ip6`,
		`ether proto \aarp`, `ether proto \atalk`, `ether proto \decnet`, `ether proto \lat`, "ether proto loopback", `ether proto \mopdl`,
		`ether proto \moprc`, `ether proto \sca`, `ether proto \iso`, `ether proto \stp`, `ether proto \ipx`, `ether proto \netbeui`,
		`iso proto \clnp`, `iso proto \esis`, `iso proto \isis`, "-ether proto nonsense", "-proto nonsense", `-iso proto \ip`, "-ether proto ip"}},
	{"head-protochain", []string{"protochain 6", "ip protochain 17", "ip6 protochain 6", "ip6 protochain 51", `ip protochain \tcp`,
		"not ip6 protochain 17", "ip protochain 59", "-ether protochain 6"}},
	{"id-number", []string{"host 5", "net 10", "net 192", "net 0", "port 80", "port 0", "port 65535", "port (80)", "port ((80))", "net 0x0a000001",
		"port 0120", "-port 65536", "-port 09", "-port 4294967296", "-ether host 5"}},
	{"id-ipv4", []string{"host 10.0.0.1", "host 10.1", "host 192.168.1", "net 192.168", "net 10.0.0.1", "net 172.16.3", "host 010.0.0.1",
		"-host 256.0.0.1", "-port 10.0.0.1", "-proto 10.0.0.1", "-ip6 host 10.0.0.1", "-host 1.2.3.4.5", "-portrange 1.2"}},
	{"id-ipv4-prefix", []string{"net 10.0.0.0/8", "net 192.168.1.0/24", "net 0.0.0.0/0", "net 10.0.0.1/32", "net 192.168/16",
		"-net 10.0.0.1/8", "-net 10.0.0.0/33", "-host 10.0.0.0/8", "-net 10/8"}},
	{"id-ipv4-mask", []string{"net 10.0.0.0 mask 255.0.0.0", "net 172.16.0.0 mask 255.240.0.0", "net 10.0.0.0 mask 255.0.255.0",
		"net 192.168 mask 255.255", "-net 10.0.0.1 mask 255.0.0.0", "-net 10.0.0.0 mask 8"}},
	{"id-ipv6", []string{"host 2001:db8::1", "ip6 host ff02::1", "host ::", "host 1:2:3:4:5:6:7:8", "net 2001:db8::1", "host ::ffff:1.2.3.4",
		"host 1:2:3:4:5:6:7::", "host 64:ff9b::10.0.0.1", "-ip host ::1", "-tcp host ::1", "-port ::1", "-host ::256.1.1.1", "-host 1::2::3"}},
	{"id-ipv6-prefix", []string{"net 2001:db8::/32", "ip6 net ff00::/8", "net ::/0", "src net 2001:db8::/33", "net 2001:db8::1/128", "host ::1/128",
		"-host 2001:db8::/32", "-net 2001:db8::1/32", "-net ::/129"}},
	{"id-ether", []string{"ether host 0a:0b:0c:0d:0e:0f", "ether src 1:2:3:4:5:6", "ether dst 0a-0b-0c-0d-0e-0f", "ether host 0a0b.0c0d.0e0f",
		"ether host 0a0b0c0d0e0f", "ether src and dst 1.2.3.4.5.6", "wlan host 1:2:3:4:5:6", "link src 1:2:3:4:5:6", "tr dst 1:2:3:4:5:6",
		"fddi host 1:2:3:4:5:6", "ppp host 1:2:3:4:5:6", "slip host 1:2:3:4:5:6", "-host 1:2:3:4:5:6", "-ether port 80", "-ether host 1:2:3:4:5",
		"-ether host 10.0.0.1", "-ether net 1:2:3:4:5:6"}},
	{"id-name", []string{"-host nonsense.invalid", "-net nonsense", "-port nonsense", "-ether host nonsense", "-decnet host nonsense"}},
	{"id-decnet", []string{"decnet host 1.1", "decnet src 1.1", "decnet dst host 1.2", "decnet src and dst 1.1", "decnet host 0.5", "decnet host 5"}},
	{"id-not", []string{"port not 80", "host ! 10.0.0.1", "port not not 80", "tcp port (not 80)"}},
	{"id-list", []string{"port (80 or 443)", "host (10.0.0.1 or 192.168.1.2)", "host (10.0.0.1 and 192.168.1.2)", "port (80 or (443 or 22))",
		"port ((80) or 443)", "host (10.0.0.1)", "port (not 80 and not 443)", "-host ((10.0.0.1))", "-port ((80 or 22) or 443)", "-port (80 443)"}},
	{"portrange", []string{"portrange 80-90", "tcp portrange 1-1023", "src portrange 0-79", "portrange 90-80", "dst portrange 443-443", "portrange 53",
		"udp src or dst portrange 1-53", "-ip portrange 1-2", "-portrange 1-65536", "-portrange http"}},
	{"pname-ip", []string{"ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim", "vrrp", "carp", "ah", "esp"}},
	{"pname-link", []string{"atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl", "stp", "ipx", "netbeui", "-ether", "-link", "-radio"}},
	{"pname-osi", []string{"iso", "clnp", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp"}},
	{"broadcast", []string{"broadcast", "ether broadcast", "ip broadcast", "not broadcast", "-ip6 broadcast", "-tcp broadcast"}},
	{"multicast", []string{"multicast", "ether multicast", "ip multicast", "ip6 multicast", "-arp multicast"}},
	{"less-greater", []string{"less 64", "greater 64", "less 0", "greater 0", "not less 100", "-less", "-greater 5 6"}},
	{"byte", []string{"byte 12 = 8", "byte 13 < 6", "byte 0 > 5", "byte 14 == 0x45", "byte 300 = 1", "-byte 1 != 2"}},
	{"direction", []string{"-inbound", "-outbound", "-ifindex 1"}},
	{"vlan", []string{"vlan", "vlan 5", "vlan (5)", "vlan and ip", "vlan 5 and tcp port 80", "vlan and vlan", "vlan 100 and vlan 5 and ip",
		"vlan or ip", "not vlan", "vlan 0", "vlan and host 10.0.0.1", "ip or vlan and ip", "vlan and llc", "vlan and ether host 1:2:3:4:5:6",
		"-vlan and ip6 and tcp[0] = 0", "-vlan 4096", "-mpls and vlan"}},
	{"mpls", []string{"mpls", "mpls 5", "mpls and ip", "mpls 5 and tcp port 80", "mpls and mpls and ip", "mpls 5 and mpls 20 and host 10.0.0.1",
		"mpls and ip6", "vlan and mpls", "mpls and net 10.0.0.0/8", "-mpls 1048576", "-mpls and arp", "-mpls and ether proto 5"}},
	{"pppoe", []string{"pppoed", "pppoes", "pppoes 3", "pppoes and ip", "pppoes and tcp port 80", "pppoes 3 and ip6", "vlan 5 and pppoes 9 and ip",
		"pppoes and mpls", "pppoes and iso", "pppoes and stp", "pppoes and decnet", "-pppoes 65536", "-pppoed 5"}},
	{"geneve", []string{"geneve", "geneve 5", "geneve and tcp", "geneve and ip", "geneve 5 and tcp port 80", "geneve and vlan 5 and ip",
		"geneve and ether host 1:2:3:4:5:6", "geneve and broadcast", "geneve and ip6", "geneve and ether[0] = 10", "-geneve 16777216"}},
	{"llc", []string{"llc", "llc i", "llc s", "llc u", "llc rr", "llc rnr", "llc rej", "llc ui", "llc ua", "llc disc", "llc dm", "llc sabme",
		"llc test", "llc xid", "llc frmr", "llc UI", "-llc nonsense", "-llc ip"}},
	{"relop", []string{"len = 60", "len == 60", "len > 60", "len >= 60", "ip[8] > ip[9]", "ip[8] = tcp[0]", "-len", "-len = 5 = 6", "-len =", "-= 5"}},
	{"irelop", []string{"len < 60", "len <= 60", "len != 60", "ip[2:2] < len", "ip6[6] != 6"}},
	{"load", []string{"ip[0] = 0x45", "ip[0:1] = 0x45", "ip[2:2] > 60", "ip[12:4] = 0x0a000001", "tcp[0:2] = 80", "udp[4:2] > 10", "icmp[0] = 8",
		"arp[7] = 1", "ether[0] & 1 != 0", "ether[12:2] = 0x800", "ip6[6] = 6", "icmp6[0] = 128", "sctp[0:2] = 80", "igmp[0] = 17", "rarp[7] = 3",
		"decnet[0] = 1", "pim[0] = 17", "vrrp[0] = 17", "carp[0] = 17", "igrp[0] = 17", "atalk[0] = 1", "lat[0] = 1", "sca[0] = 1", "moprc[0] = 1",
		"mopdl[0] = 1", "ip[300] = 0", "ip[ip[0]] = 0", "tcp[tcp[12] >> 2] = 0x47", "ether[len - 1] = 0", "ip[0xffffffff] = 0",
		"-ip[0:3] = 5", "-ah[0] = 1", "-iso[0] = 1", "-stp[0] = 1", "-ip[] = 5", "-ip[0:len] = 5"}},
	{"load-names", []string{"tcp[tcpflags] & tcp-syn != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst|tcp-push|tcp-ack|tcp-urg|tcp-ece|tcp-cwr) = tcp-ack",
		"tcp[13] = tcp-syn|tcp-ack", "icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply", "icmp[icmptype] != icmp-unreach",
		"icmp[icmpcode] = 0 and icmp[icmptype] = icmp-timxceed", "icmp6[icmp6type] = icmp6-echo", "icmp6[icmp6type] = icmp6-neighborsolicit",
		"icmp6[icmp6code] = 0", "icmp6[0] = icmp6-multicastlistenerreportv2", "icmp[icmptype] = icmp-redirect", "icmp[0] = icmp-tstamp"}},
	{"arith", []string{"len + 5 > 100", "len - 5 < 60", "ip[0] * 2 = 0x8a", "len / 2 > 30", "ip[2:2] % 2 = 0", "ip[0] & 0xf != 5", "ip[6:2] | 1 = 1",
		"ip[8] ^ 64 = 0", "ip[0] << 2 = 0x114", "ip[0] >> 4 = 4", "ip[8] = -64", "0 - ip[8] = 0xffffffc0", "len = 20 + 34", "5 = 5", "1 + tcp[0] > 5",
		"-len / 0 = 1", "-len % 0 = 1", "-len << 32 = 1", "ip[0] - ip[1] = 69"}},
	{"arith-unary", []string{"0 > ip[0] - 70", "len > - 5", "len = - - 60", "len + -5 > 60", "(- 5) + len > 60"}},
	{"arith-rank", []string{"len + 2 * 3 = 66", "(len + 2) * 3 > 180", "len & 3 + 1 = 4", "len | 1 & 3 = 61", "len << 1 + 1 = 240", "100 - len - 5 > 30",
		"100 / len / 2 = 0", "7 % 4 + 1 = 2", "len * 7 % 4 + 1 > 5", "len ^ 1 + 1 = 62", "len % 7 ^ 3 * 2 = 1", "len - 7 % 3 > 5", "ip[0] & 0xf << 2 > 20"}},
	{"arith-paren", []string{"(len) > 60", "(len + 1) > 60", "((5)) = 5", "(len > 60)", "(5 < len) and ip", "((len + 1) > 60)", "(80) = ip[9]",
		"port 22 and (443) = ip[9]", "not (5 > len)", "((ip[0]) & 0xf) = 5", "-(80)", "-((80) or 443)", "-port (80 + 1)"}},
	{"words", []string{"tcp port 80", "port  80\tor\n443", "port 0x50", "port 0X50", "tcp&&ip", "!ip||arp", "len>=60&&len<=100"}},
	{"foreign", []string{"-type mgt", "-subtype beacon", "-dir tods", "-wlan addr1 1:2:3:4:5:6", "-addr2 host 1:2:3:4:5:6", "-ra 1:2:3:4:5:6",
		"-lane", "-oamf4", "-vpi 5", "-vci 5", "-metac", "-on eth0", "-ifname eth0", "-rset x", "-rnr 5", "-rulenum 5", "-srnr 5", "-reason match",
		"-action pass", "-fisu", "-sio 5", "-hopc 3", "-radio[0] = 1"}},
	{"gateway", []string{"-gateway host", "-ip gateway 10.0.0.1", "-gateway 5"}},
	{"arcnet", []string{"-ether host $ab", "-src $a"}},
	{"lexical", []string{"-port @", "-ip;", "-port 80_", "-ip and", "-and ip", "-or", "-not", "-ip or or arp", "-ip arp", "-tcp 80", "-host", `-host \`,
		"-host 1:2:3:", "-ip and 'tcp'", "-host 10.0.0.1/", "-\x00", "-ip \u00e9"}},
	{"rejects-all", []string{"-tcp and not tcp", "-ip and arp", "-5 = 6", "-ip and not ip", "-greater 100 and less 50 and 1 = 2"}},
}

// TestGrammar compares every production with tcpdump: on Ethernet, live where
// that is allowed, and on one other link type (on all of them with a large
// -filter.random).
func TestGrammar(t *testing.T) {
	o := newOracle(t)
	var st stats
	n := 0
	for _, p := range productions {
		t.Run(p.name, func(t *testing.T) {
			var wg sync.WaitGroup
			slots := make(chan bool, *randomJobs)
			for _, e := range p.exprs {
				expr, refused := strings.CutPrefix(e, "-")
				if strings.ContainsRune(expr, 0) {
					continue // no argument of a command can hold it
				}
				scenes := []scene{offline(Ethernet), offlineScenes[1+n%(len(offlineScenes)-1)]}
				if *randomCount >= 10000 {
					scenes = offlineScenes
				}
				n++
				for i, s := range scenes {
					slots <- true
					wg.Go(func() {
						defer func() { <-slots }()
						v := o.compare(t, s, expr)
						st.add(v)
						if i == 0 && v.refused() != refused {
							t.Errorf("%q: refused %v, and the table says %v: %v", expr, v.refused(), refused, v.ourErr)
						}
					})
				}
			}
			wg.Wait()
		})
	}
	st.report(t)
}

// TestGrammarLive is TestGrammar for packets from a socket.
func TestGrammarLive(t *testing.T) {
	o := newOracle(t)
	s := liveScene()
	if _, err := o.program(s, "ip"); err != nil {
		t.Skipf("tcpdump cannot open the loopback device: %v", err)
	}
	var st stats
	n := 0
	live := append([]production{{"direction", []string{"inbound", "outbound", "ifindex 1", "not inbound", "ifindex 3 and inbound"}}}, productions...)
	for _, p := range live {
		switch p.name {
		case "vlan", "direction", "mpls", "geneve", "pppoe", "load", "llc", "inherit", "pname-link", "head-proto", "head-protochain":
		default:
			if *randomCount < 10000 {
				continue
			}
		}
		for _, e := range p.exprs {
			expr := strings.TrimPrefix(e, "-")
			if strings.ContainsRune(expr, 0) {
				continue
			}
			if n++; n%4 != 0 && p.name != "vlan" && p.name != "direction" && *randomCount < 10000 {
				continue
			}
			st.add(o.compare(t, s, expr))
			if p.name != "vlan" {
				st.add(o.compare(t, s, "vlan 5 and ("+expr+")"))
			}
		}
	}
	st.report(t)
}

// TestDumpLive compares how the kernel's ancillary data are printed.
func TestDumpLive(t *testing.T) {
	path := tcpdump(t)
	s := liveScene()
	const expr = "vlan 5 and inbound and ifindex 3"
	want, err := exec.Command(path, "-d", "-i", "lo", expr).Output()
	if err != nil {
		t.Skipf("tcpdump cannot open the loopback device: %v", err)
	}
	p, err := Compile(expr, s.opts)
	if err != nil {
		t.Fatal(err)
	}
	if p.Dump() != string(want) {
		t.Errorf("%s, tcpdump prints\n%s", p.Dump(), want)
	}
}

// TestDocNamesProductions keeps the table in docs/filter.md complete.
func TestDocNamesProductions(t *testing.T) {
	doc, err := os.ReadFile("../../docs/filter.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range productions {
		if !strings.Contains(string(doc), "`"+p.name+"`") {
			t.Errorf("docs/filter.md does not name the test of %s", p.name)
		}
	}
}

// TestOracle checks that running tcpdump's program in our machine picks the
// packets that tcpdump itself picks.
func TestOracle(t *testing.T) {
	o := newOracle(t)
	for i, p := range productions {
		for j, e := range p.exprs {
			if strings.HasPrefix(e, "-") || (i+j)%11 != 0 && *randomCount < 10000 {
				continue
			}
			s := offline(Ethernet)
			prog, err := o.program(s, e)
			if err != nil {
				t.Errorf("%q: %v", e, err)
				continue
			}
			pkts := corpus(s)
			reportDiff(t, s, e, pkts, o.selected(t, Ethernet, pkts, e), selectedBy(prog, pkts))
		}
	}
	for _, s := range offlineScenes[1:] {
		for _, e := range []string{"ip6", "tcp port 80 or arp", "not udp", "ip6 protochain 17", "stp or iso"} {
			prog, err := o.program(s, e)
			if err != nil {
				continue
			}
			pkts := corpus(s)
			reportDiff(t, s, e, pkts, o.selected(t, s.opts.LinkType, pkts, e), selectedBy(prog, pkts))
		}
	}
}
