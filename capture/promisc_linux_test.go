package capture

import (
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLivePromiscuous sends a frame for a third machine. A member of the
// promiscuous group disappears with its process, the interface's flag does not.
func TestLivePromiscuous(t *testing.T) {
	h := newHosts(t)
	foreign := blastFrame()
	foreign[5] = 0x99
	isForeign := func(p *Packet) bool { return len(p.Data) > 5 && p.Data[5] == 0x99 && p.Data[0] == 2 }
	// A veth hands over every frame; what promiscuous mode changes is the flag
	// that the kernel keeps, and how such a frame is classed.
	for _, way := range []Promiscuity{PromiscuousOff, PromiscuousMember, PromiscuousFlag} {
		l := h.open(h.b, Config{Interface: "vb", Promiscuous: way})
		h.send(h.a, "va", foreign)
		for _, p := range collect(t, l, isForeign) {
			if p.Reception != OtherHost {
				t.Errorf("way %d: a frame for another machine is %v", way, p.Reception)
			}
		}
		if on := h.promiscuity("vb"); on != (way != PromiscuousOff) {
			t.Errorf("way %d: promiscuous is %v", way, on)
		}
		l.Close()
		if h.promiscuity("vb") {
			t.Errorf("way %d: promiscuous after Close", way)
		}
	}
	for _, way := range []Promiscuity{PromiscuousMember, PromiscuousFlag} {
		h.kill(way)
		if on, want := h.promiscuity("vb"), way == PromiscuousFlag; on != want {
			t.Errorf("way %d: after SIGKILL promiscuous is %v, want %v", way, on, want)
		}
	}
}

// promiscuity asks for the count that the kernel keeps.
func (h *hosts) promiscuity(dev string) bool {
	h.t.Helper()
	out, err := exec.Command("ip", "-n", h.b, "-d", "link", "show", dev).CombinedOutput()
	if err != nil {
		h.t.Fatal(err, string(out))
	}
	return !strings.Contains(string(out), "promiscuity 0")
}

// kill runs a promiscuous capture in a process of its own and kills that.
func (h *hosts) kill(way Promiscuity) {
	h.t.Helper()
	cmd := child(h.b, "hold", "vb", string('0'+rune(way)))
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("holding"))); err != nil {
		h.t.Fatal(err)
	}
	if !h.promiscuity("vb") {
		h.t.Errorf("way %d: the child is not promiscuous", way)
	}
	cmd.Process.Kill()
	cmd.Wait()
	time.Sleep(50 * time.Millisecond) // the kernel closes the socket
}

// TestBindToDevice shows why bind is the way: SO_BINDTODEVICE is accepted and
// does nothing to a packet socket.
func TestBindToDevice(t *testing.T) {
	h := newHosts(t)
	listen := func(option, bind string) int {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(networkOrder(unix.ETH_P_ALL)))
		if err != nil {
			t.Fatal(err)
		}
		if option != "" {
			if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, option); err != nil {
				t.Error(err)
			}
		}
		if bind != "" {
			d, err := query(bind)
			if err != nil {
				t.Error(err)
			}
			if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: d.index}); err != nil {
				t.Error(err)
			}
		}
		return fd
	}
	count := func(fd int) (n int) {
		defer unix.Close(fd)
		b := make([]byte, 2048)
		for {
			size, _, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				return n
			}
			if size == 14+20+8+91 {
				n++
			}
		}
	}
	var byOption, byBind int
	h.in(h.b, func() { byOption, byBind = listen("vb", ""), listen("", "vb") })
	h.udp(h.b, "127.0.0.1:9", 1, 91) // on lo, not on vb
	if n := count(byOption); n == 0 {
		t.Error("SO_BINDTODEVICE kept a packet of lo away: the documentation says otherwise")
	}
	if n := count(byBind); n != 0 {
		t.Errorf("bind let %d packets of lo through", n)
	}
}
