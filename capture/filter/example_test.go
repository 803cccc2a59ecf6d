package filter_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"sonde/capture/filter"
)

// A TCP segment to port 80 over IPv4 and Ethernet.
var frame = []byte{
	0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08, 0x00,
	0x45, 0x00, 0x00, 0x28, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 10, 0, 0, 1, 192, 168, 1, 2,
	0x9c, 0x40, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
}

func ExampleCompile() {
	prog, err := filter.Compile("tcp dst port 80 and not src net 172.16.0.0/12", filter.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(prog.Match(frame, len(frame)))
	// Output: true
}

func ExampleProgram() {
	prog, _ := filter.Compile("ip6", filter.Options{})
	fmt.Print(prog.Dump())
	fmt.Print(prog.DumpC())
	fmt.Print(prog.DumpDecimal())
	// Output:
	// (000) ldh      [12]
	// (001) jeq      #0x86dd          jt 2	jf 3
	// (002) ret      #262144
	// (003) ret      #0
	// { 0x28, 0, 0, 0x0000000c },
	// { 0x15, 0, 1, 0x000086dd },
	// { 0x6, 0, 0, 0x00040000 },
	// { 0x6, 0, 0, 0x00000000 },
	// 4
	// 40 0 0 12
	// 21 0 1 34525
	// 6 0 0 262144
	// 6 0 0 0
}

func ExampleProgram_Explain() {
	prog, _ := filter.Compile("tcp port 80 or 443 and not host 10.0.0.1", filter.Options{Live: true})
	fmt.Print(prog.Explain())
	// Output:
	// matches: (TCP from or to port 80, or TCP from or to port 443) and anything but IPv4, ARP or RARP from or to 10.0.0.1
	// tree:
	//   and
	//     or
	//       tcp port 80
	//       tcp port 443
	//     not
	//       host 10.0.0.1
	// program: 28 instructions for Ethernet packets, in the kernel
}

func ExampleProgram_Attachable() {
	prog, _ := filter.Compile("ip6 protochain 6", filter.Options{Live: true})
	fmt.Println(prog.Attachable())
	// Output: filter: protochain needs a loop, which the kernel does not run
}

func ExampleOptions() {
	opts := filter.Options{LinkType: filter.RawIP, SnapLen: 96, Resolver: filter.NoNames{}}
	prog, _ := filter.Compile("udp", opts)
	fmt.Println(prog.Run(frame[14:], 40, nil), prog.LinkType())
	// Output: 0 raw IP
}

func ExampleLinkType() {
	l, ok := filter.LinkTypeFromPcap(113)
	fmt.Println(l, l.Pcap(), ok)
	// Output: Linux cooked v1 113 true
}

func ExampleError() {
	_, err := filter.Compile("tcp port 80 and host 10.0.0.256", filter.Options{})
	var e *filter.Error
	if errors.As(err, &e) {
		fmt.Println(e.Expr)
		fmt.Println(strings.Repeat(" ", e.Pos) + "^ " + e.Msg)
	}
	// Output:
	// tcp port 80 and host 10.0.0.256
	//                      ^ invalid IPv4 address '10.0.0.256'
}

// inventory is a Resolver with names of its own.
type inventory struct{ filter.NoNames }

func (inventory) Host(name string) ([]netip.Addr, error) {
	if name == "printer" {
		return []netip.Addr{netip.MustParseAddr("192.168.1.2")}, nil
	}
	return nil, errors.New("not in the inventory")
}

func ExampleResolver() {
	prog, _ := filter.Compile("host printer", filter.Options{Resolver: inventory{}})
	fmt.Println(prog.Match(frame, len(frame)))
	// Output: true
}

func ExampleNoNames() {
	_, err := filter.Compile("host printer", filter.Options{Resolver: filter.NoNames{}})
	fmt.Println(err)
	// Output: filter: unknown host 'printer': names are not resolved here (at column 6 of "host printer")
}

func ExampleSystemResolver() {
	_, udp, err := filter.SystemResolver{}.Service("ntp")
	fmt.Println(udp, err)
	// Output: 123 <nil>
}

func ExampleAux() {
	prog, _ := filter.Compile("vlan 5 and tcp", filter.Options{Live: true})
	fmt.Println(prog.MatchAux(frame, len(frame), filter.Aux{VLANPresent: true, VLANTag: 5}))
	fmt.Println(prog.MatchAux(frame, len(frame), filter.Aux{}))
	// Output:
	// true
	// false
}

func ExampleExplain() {
	text, _ := filter.Explain("tcp[tcpflags] & tcp-syn != 0")
	fmt.Print(text)
	// Output:
	// matches: packets where the flags of the TCP header & tcp-syn is not 0
	// tree:
	//   tcp[tcpflags] & tcp-syn != 0
}

func ExampleParse() {
	tree, _ := filter.Parse("tcp port 80 or (443 and not 8080)")
	fmt.Println(tree)
	// Output: tcp port 80 or (tcp port 443 and not tcp port 8080)
}

func ExampleExpr() {
	tree, _ := filter.Parse("  icmp or arp")
	fmt.Println(tree.Pos(), tree, "=", tree.Explain())
	// Output: 2 icmp or arp = ICMP over IPv4, or ARP
}

func ExampleAnd() {
	tree, _ := filter.Parse("ip and tcp")
	and := tree.(*filter.And)
	fmt.Println(and.Left, "|", and.Right)
	// Output: ip | tcp
}

func ExampleOr() {
	tree, _ := filter.Parse("ip and tcp or udp")
	or := tree.(*filter.Or)
	fmt.Println(or.Left, "|", or.Right)
	// Output: ip and tcp | udp
}

func ExampleNot() {
	tree, _ := filter.Parse("!udp")
	fmt.Println(tree.(*filter.Not).X)
	// Output: udp
}

func ExampleAddress() {
	tree, _ := filter.Parse("src net 10.0.0.0/8")
	address := tree.(*filter.Address)
	fmt.Println(address.Explain())
	// Output: IPv4, ARP or RARP from the network 10.0.0.0/8
}

func ExampleProtocol() {
	tree, _ := filter.Parse("icmp6")
	fmt.Println(tree.(*filter.Protocol).Explain())
	// Output: ICMPv6 over IPv6
}

func ExampleRelation() {
	tree, _ := filter.Parse("ip[2:2] > 576")
	fmt.Println(tree.(*filter.Relation).Explain())
	// Output: packets where bytes 2 to 3 of the IPv4 header is more than 576
}

func ExampleSpecial() {
	tree, _ := filter.Parse("vlan 100")
	fmt.Println(tree.(*filter.Special).Explain())
	// Output: frames of VLAN 100 (what follows looks behind the tag)
}
