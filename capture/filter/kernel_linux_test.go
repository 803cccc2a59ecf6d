package filter

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// attach puts a program on a socket.
func attach(fd int, prog []bpf.RawInstruction) error {
	filter := (&Program{insns: prog}).SockFilters()
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// TestKernel runs programs in the kernel, on the datagrams between two Unix
// sockets, and compares what gets through with our machine.
func TestKernel(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no socket pair: %v", err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	runs, programs := 0, 0
	for i, p := range productions {
		for j, expr := range p.exprs {
			if (i+j)%4 != 0 && *randomCount < 10000 {
				continue
			}
			s := offline(Ethernet)
			prog, err := Compile(expr, s.opts)
			if err != nil || prog.loops {
				continue
			}
			if err := attach(fds[1], prog.insns); err != nil {
				t.Errorf("%q: the kernel does not take it: %v", expr, err)
				continue
			}
			programs++
			runs += compareKernel(t, fds, expr, prog, corpus(s), j)
		}
	}
	t.Logf("%d programs, %d packets", programs, runs)
}

// compareKernel sends packets through the pair, which has the program.
func compareKernel(t *testing.T, fds [2]int, expr string, prog *Program, pkts []packet, from int) int {
	buf := make([]byte, 1<<12)
	runs := 0
	for i := from % 9; i < len(pkts); i += 9 {
		data := pkts[i].data
		if len(data) == 0 {
			continue
		}
		if _, err := unix.Write(fds[0], data); err != nil {
			t.Fatalf("send: %v", err)
		}
		_, err := unix.Read(fds[1], buf)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatalf("receive: %v", err)
		}
		runs++
		if kernel, ours := err == nil, prog.Match(data, len(data)); kernel != ours {
			t.Errorf("%q: packet %s (%x): kernel %v, we %v", expr, pkts[i].name, data, kernel, ours)
			return runs
		}
	}
	return runs
}

// TestKernelVLAN sends frames over the loopback device of a network namespace
// of its own, where the kernel takes VLAN tags out of frames that come in. A
// socket without a filter says what was taken out; one with it, what matched.
func TestKernelVLAN(t *testing.T) {
	why := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread is in another namespace
		why <- kernelVLAN(t)
	}()
	if w := <-why; w != "" {
		t.Skip(w)
	}
}

// kernelVLAN returns why it could not run, or nothing.
func kernelVLAN(t *testing.T) string {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return "no network namespace of our own: " + err.Error()
	}
	if err := loopbackUp(); err != nil {
		return "the loopback device stays down: " + err.Error()
	}
	plain, filtered, sender := packetSocket(t), packetSocket(t), packetSocket(t)
	defer unix.Close(plain)
	defer unix.Close(filtered)
	defer unix.Close(sender)
	if err := attach(sender, []bpf.RawInstruction{{Op: opRetK}}); err != nil {
		t.Error(err)
		return ""
	}
	var frames []packet
	for i, p := range ethernetFrames() {
		if len(p.data) >= 60 && (strings.Contains(p.name, "vlan") || i%8 == 0) {
			frames = append(frames, p)
		}
	}
	programs, runs, tagged := 0, 0, 0
	for _, expr := range []string{"vlan", "vlan 5", "vlan 0", "vlan 5 and tcp", "vlan and vlan", "vlan 100 and vlan 5 and ip", "not vlan",
		"vlan and host 10.0.0.1", "vlan 5 and pppoes 9 and ip", "tcp or vlan and tcp port 80", "vlan or tcp", "vlan and ip6", "vlan 5 and llc",
		"vlan 5 and port 80 or 443", "inbound", "outbound", "ifindex 1", "vlan and ether[12:2] = 0x800", "tcp port 80"} {
		prog, err := Compile(expr, Options{Live: true, Resolver: NoNames{}})
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		if err := prog.Attachable(); err != nil {
			t.Error(err)
		}
		if err := attach(filtered, prog.Raw()); err != nil {
			t.Errorf("%q: the kernel does not take it: %v", expr, err)
			continue
		}
		programs++
		for _, f := range frames {
			if _, err := unix.Write(sender, f.data); err != nil {
				t.Errorf("send %s: %v", f.name, err)
				return ""
			}
			data, aux, ok := receive(plain)
			if !ok {
				continue
			}
			_, _, kernel := receive(filtered)
			runs++
			if aux.VLANPresent {
				tagged++
			}
			if ours := prog.MatchAux(data, len(data), aux); kernel != ours {
				t.Errorf("%q: frame %s (%x, %+v): kernel %v, we %v", expr, f.name, data, aux, kernel, ours)
				break
			}
		}
	}
	t.Logf("%d programs, %d frames, %d with a tag beside them", programs, runs, tagged)
	if runs > 0 && tagged == 0 {
		t.Error("the kernel took no tag out, so this test tests nothing")
	}
	return ""
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}

// packetSocket opens a packet socket on the loopback device that does not see
// what leaves.
func packetSocket(t *testing.T) int {
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Errorf("packet socket: %v", err)
		return -1
	}
	lo, err := net.InterfaceByName("lo")
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: lo.Index})
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if err != nil {
		t.Errorf("packet socket: %v", err)
	}
	return fd
}

// receive returns the next frame with what the kernel knows of it.
func receive(fd int) (data []byte, aux Aux, ok bool) {
	buf, oob := make([]byte, 1<<12), make([]byte, 256)
	n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, 0)
	if err != nil {
		return nil, aux, false
	}
	if ll, isLL := from.(*unix.SockaddrLinklayer); isLL {
		aux.PacketType, aux.IfIndex = ll.Pkttype, ll.Ifindex
	}
	msgs, _ := unix.ParseSocketControlMessage(oob[:oobn])
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA {
			a := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
			aux.VLANPresent = a.Status&unix.TP_STATUS_VLAN_VALID != 0
			aux.VLANTag = a.Vlan_tci
		}
	}
	return buf[:n], aux, true
}

// TestKernelTakes attaches random programs for live packets: the kernel must
// take what Attachable says it takes, and nothing else.
func TestKernelTakes(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no socket pair: %v", err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	s := liveScene()
	for n := range max(fewer(2000), min(*randomCount, 20000)) {
		w := writer{rand.New(rand.NewPCG(*randomSeed+17, uint64(n)))}
		expr := w.expr(3)
		p, err := Compile(expr, s.opts)
		if err != nil {
			continue
		}
		err = attach(fds[1], p.insns)
		if can := p.Attachable(); (can == nil) != (err == nil) {
			t.Errorf("%q: Attachable says %v, the kernel %v", expr, can, err)
		}
	}
}
