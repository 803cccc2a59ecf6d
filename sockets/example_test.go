//go:build linux

package sockets_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"

	"sonde/sockets"
)

// listen opens a listener on a port of loopback that nothing else uses, not even
// a connection in TIME-WAIT.
func listen() (*net.TCPListener, uint16) {
	for {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			log.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).AddrPort().Port()
		counts, err := sockets.Count(context.Background(), sockets.Query{Filter: sockets.Port(port)})
		if err != nil {
			log.Fatal(err)
		}
		if counts.Total() == 1 {
			return l, port
		}
		l.Close()
	}
}

func ExampleCount() {
	listener, port := listen()
	defer listener.Close()

	counts, err := sockets.Count(context.Background(), sockets.Query{Filter: sockets.Port(port)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(counts)
	fmt.Println(counts[sockets.TimeWait], "in TIME-WAIT")
	// Output:
	// LISTEN 1
	// 0 in TIME-WAIT
}

func ExampleList() {
	listener, port := listen()
	defer listener.Close()

	all, err := sockets.List(context.Background(), sockets.Query{
		States: sockets.StatesOf(sockets.Listen),
		Filter: sockets.LocalPort(port),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range all {
		fmt.Println(s.Proto, s.State, s.Local.Addr(), s.Local.Port() == port)
	}
	// Output: tcp LISTEN 127.0.0.1 true
}

func ExampleTable() {
	listener, port := listen()
	defer listener.Close()
	table, err := sockets.Open(sockets.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()

	q := sockets.Query{Filter: sockets.LocalPort(port), Detail: sockets.DetailOwner}
	for s, err := range table.All(context.Background(), q) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(s.State, s.Owner.PID == os.Getpid())
	}
	// Output: LISTEN true
}

func ExampleQuery() {
	q := sockets.Query{
		States: sockets.ConnectedStates,
		Filter: sockets.RemotePort(443),
		Detail: sockets.DetailInfo | sockets.DetailOwner,
	}
	fmt.Println(q.States.Has(sockets.TimeWait), q.Filter)
	// Output: true dport = :443
}

func ExampleFilter() {
	local := sockets.LocalPrefix(netip.MustParsePrefix("10.0.0.0/8"))
	f := sockets.And(local, sockets.Not(sockets.RemotePorts(0, 1023)))
	fmt.Println(f)
	fmt.Println(f.Match(&sockets.Socket{
		Family: sockets.IPv4,
		Local:  netip.MustParseAddrPort("10.0.0.1:40000"),
		Remote: netip.MustParseAddrPort("192.0.2.1:8080"),
	}))
	// Output:
	// ( src = 10.0.0.0/8 and not ( dport >= :0 and dport <= :1023 ) )
	// true
}

func ExampleParseFilter() {
	f, err := sockets.ParseFilter("dst 192.0.2.0/24 dport = :https or sport < :1024")
	if err != nil {
		log.Fatal(err)
	}
	s := sockets.Socket{
		Family: sockets.IPv4,
		Local:  netip.MustParseAddrPort("10.0.0.1:40000"),
		Remote: netip.MustParseAddrPort("192.0.2.1:443"),
	}
	fmt.Println(f.Match(&s))
	// Output: true
}

func ExampleParseQuery() {
	q, err := sockets.ParseQuery("state established state time-wait dport = :443")
	if err != nil {
		log.Fatal(err)
	}
	for s := range q.States.All() {
		fmt.Println(s)
	}
	// Output:
	// ESTABLISHED
	// TIME-WAIT
}

func ExampleSocket() {
	s := sockets.Socket{
		Proto: sockets.TCP,
		State: sockets.Established,
		Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: netip.MustParseAddrPort("192.0.2.1:443"),
	}
	fmt.Println(&s)
	fmt.Println(s.Pair().Swap())
	// Output:
	// tcp ESTABLISHED 10.0.0.1:40000 > 192.0.2.1:443
	// tcp 192.0.2.1:443 > 10.0.0.1:40000
}

func ExamplePair() {
	a := sockets.Pair{
		Proto: sockets.TCP,
		Local: netip.MustParseAddrPort("127.0.0.1:40000"), Remote: netip.MustParseAddrPort("127.0.0.1:80"),
	}
	fmt.Println(a == a.Swap().Swap())
	// Output: true
}

func ExampleState() {
	s, err := sockets.ParseState("time_wait")
	fmt.Println(s, err)
	// Output: TIME-WAIT <nil>
}

func ExampleStateSet() {
	set, err := sockets.ParseStates("bucket,listen")
	if err != nil {
		log.Fatal(err)
	}
	for s := range set.All() {
		fmt.Println(s)
	}
	// Output:
	// SYN-RECEIVED
	// TIME-WAIT
	// LISTEN
}

func ExampleCounts() {
	var c sockets.Counts
	c.Add(sockets.Established)
	c.Add(sockets.TimeWait)
	c.Add(sockets.TimeWait)
	fmt.Println(c, "of", c.Total())
	// Output: ESTABLISHED 1, TIME-WAIT 2 of 3
}

func ExampleDetail() {
	s := sockets.Socket{Has: sockets.DetailInfo | sockets.DetailOwner}
	fmt.Println(s.Has&sockets.DetailInfo != 0, s.Has&sockets.DetailMemory != 0)
	// Output: true false
}

func ExampleTCPInfo() {
	// The kernel's struct of 104 bytes, as Linux 3.14 and earlier gave it.
	info := sockets.ParseTCPInfo(make([]byte, 104))
	fmt.Println(info.Size, info.RTT, info.CongestionState)
	// Output: 104 0s open
}

func ExampleOwners() {
	listener, port := listen()
	defer listener.Close()
	all, err := sockets.List(context.Background(), sockets.Query{Filter: sockets.LocalPort(port)})
	if err != nil {
		log.Fatal(err)
	}

	var owners sockets.Owners
	owner, ok := owners.Of(all[0].Inode)
	fmt.Println(ok, owner.PID == os.Getpid())
	// Output: true true
}

func ExampleDiffer() {
	table, err := sockets.Open(sockets.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()
	listener, port := listen()
	q := sockets.Query{Filter: sockets.LocalPort(port)}

	var differ sockets.Differ
	look := func() {
		for change, err := range differ.Changes(table.All(context.Background(), q)) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(change.Kind)
		}
	}
	look()
	listener.Close()
	look()
	// Output:
	// appeared
	// gone
}

func ExampleDiff() {
	before := sockets.Socket{
		Proto: sockets.TCP, State: sockets.Established,
		Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: netip.MustParseAddrPort("192.0.2.1:443"),
	}
	after := before
	after.State = sockets.TimeWait
	for _, change := range sockets.Diff([]sockets.Socket{before}, []sockets.Socket{after}) {
		fmt.Println(change.Kind, change.Before.State, change.After.State)
	}
	// Output: changed ESTABLISHED TIME-WAIT
}
