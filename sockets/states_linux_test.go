package sockets

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// eachSource runs a test over netlink and over /proc.
func eachSource(t *testing.T, test func(t *testing.T, table *Table)) {
	for _, source := range []Source{SourceNetlink, SourceProc} {
		t.Run(source.String(), func(t *testing.T) { test(t, open(t, source)) })
	}
}

func TestListenAndEstablished(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			eachSource(t, func(t *testing.T, table *Table) {
				stage := newStage(t, address, nil)
				client, server := stage.pair(address)
				noTimeWait(client, server)
				got, err := table.Count(t.Context(), Query{Filter: stage.filter()})
				if err != nil {
					t.Fatal(err)
				}
				if want := (Counts{Listen: 1, Established: 2}); got != want {
					t.Errorf("counted %v, want %v", got, want)
				}
				s := reaches(t, table, local(client), stage.address, Established)
				family := IPv4
				if stage.address.Addr().Is6() {
					family = IPv6
				}
				if s.Proto != TCP || s.Family != family || s.Remote != stage.address {
					t.Errorf("got %v %v %v, want a %v socket to %v", &s, s.Family, s.Remote, family, stage.address)
				}
			})
		})
	}
}

// TestMapped: a listener of both families serves IPv4 on an IPv6 socket, which
// is shown, and found, by its IPv4 addresses.
func TestMapped(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "::", nil)
		client, server := stage.pair("127.0.0.1")
		noTimeWait(client, server)
		end := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), stage.port())
		s := reaches(t, table, end, local(client), Established)
		if s.Family != IPv6 || s.Local != end {
			t.Errorf("got %v over %v, want %v over ipv6", &s, s.Family, end)
		}
	})
}

// TestClosing follows a connection that its client closes first.
func TestClosing(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "127.0.0.1", nil)
		client, server := stage.pair("127.0.0.1")
		here, there := local(client), stage.address
		if err := client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		reaches(t, table, here, there, FinWait2)
		reaches(t, table, there, here, CloseWait)
		server.Close()
		s := reaches(t, table, here, there, TimeWait)
		if s.Inode != 0 || s.Owner.PID != 0 || s.Timer.Kind != TimerTimeWait || s.Timer.Left <= 0 {
			t.Errorf("a TIME-WAIT with inode %d, owner %+v and timer %+v", s.Inode, s.Owner, s.Timer)
		}
		counts, err := table.Count(t.Context(), Query{Filter: And(stage.filter(), RemotePort(stage.port()))})
		if want := (Counts{TimeWait: 1}); err != nil || counts != want {
			t.Errorf("counted %v, %v; want %v", counts, err, want)
		}
	})
}

// TestStuck reaches the states in which a FIN waits behind data that the peer
// has no room for.
func TestStuck(t *testing.T) {
	table := open(t, SourceNetlink)
	stage := newStage(t, "127.0.0.1", nil)
	client, server := stage.pair("127.0.0.1")
	here, there := local(client), stage.address
	fill(t, client)
	client.CloseWrite()
	if s := reaches(t, table, here, there, FinWait1); s.SendQueue == 0 {
		t.Error("FIN-WAIT-1 with an empty send queue")
	}
	noTimeWait(client, server)

	client, server = stage.pair("127.0.0.1")
	here = local(client)
	fill(t, client)
	server.CloseWrite()
	reaches(t, table, here, there, CloseWait)
	client.CloseWrite()
	reaches(t, table, here, there, LastAck)
	noTimeWait(client, server)
}

// TestSynReceived: a listener that defers accepting leaves the connection half
// open for as long as no data comes. The cookie is then inherited.
func TestSynReceived(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "127.0.0.1", deferAccept)
		client := stage.dial("127.0.0.1")
		before := reaches(t, table, stage.address, local(client), SynReceived)
		if before.Inode != 0 {
			t.Errorf("a SYN-RECEIVED with inode %d", before.Inode)
		}
		if _, err := client.Write([]byte("now")); err != nil {
			t.Fatal(err)
		}
		after := reaches(t, table, stage.address, local(client), Established)
		if replaced(&before, &after) {
			t.Errorf("seen as another connection: cookie %d, then %d", before.Cookie, after.Cookie)
		}
		noTimeWait(client)
	})
}

// TestSynSent: a listener whose queue is full drops the SYN.
func TestSynSent(t *testing.T) {
	table := open(t, SourceNetlink)
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	listener := socket()
	unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := unix.Connect(socket(), address); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	port := uint16(address.(*unix.SockaddrInet4).Port)
	eventually(t, "SYN-SENT", func() bool {
		counts, err := table.Count(t.Context(), Query{Filter: RemotePort(port)})
		return err == nil && counts[SynSent] > 0
	})
}

func TestBoundInactive(t *testing.T) {
	table := open(t, SourceNetlink)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	filter := LocalPort(uint16(address.(*unix.SockaddrInet4).Port))
	switch all := list(t, table, Query{States: StatesOf(BoundInactive), Filter: filter}); {
	case len(all) == 0:
		t.Skip("the kernel does not list sockets that are only bound: it is older than 6.8")
	case len(all) != 1 || all[0].State != BoundInactive:
		t.Errorf("listed %v", all)
	}
	if all := list(t, table, Query{Filter: filter, States: EveryState &^ StatesOf(TimeWait)}); len(all) != 0 {
		t.Errorf("listed %v without being asked", all)
	}
}

func TestQueues(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "127.0.0.1", nil)
		client, server := stage.pair("127.0.0.1")
		noTimeWait(client, server)
		if _, err := client.Write(make([]byte, 1234)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "1234 bytes unread", func() bool {
			s, ok := find(t, table, stage.address, local(client))
			return ok && s.RecvQueue == 1234
		})
		stage.dial("127.0.0.1")
		eventually(t, "one connection to accept", func() bool {
			all := list(t, table, Query{States: StatesOf(Listen), Filter: And(stage.filter(), LocalPort(stage.port()))})
			return len(all) == 1 && all[0].RecvQueue == 1
		})
	})
}

func TestUDP(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		client, err := net.DialUDP("udp", nil, server.LocalAddr().(*net.UDPAddr))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		port := server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		counts := Counts{}
		for _, s := range list(t, table, Query{Proto: UDP, Filter: Port(port)}) {
			counts.Add(s.State)
			if s.Proto != UDP || s.Inode == 0 {
				t.Errorf("got %v with inode %d", &s, s.Inode)
			}
		}
		if want := (Counts{Established: 1, Closed: 1}); counts != want {
			t.Errorf("counted %v, want %v", counts, want)
		}
	})
}
