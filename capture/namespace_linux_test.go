package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hosts is two network namespaces joined by a veth pair: "a" with 10.99.0.1
// and fd99::1 on va, "b" with 10.99.0.2 and fd99::2 on vb.
type hosts struct {
	t    testing.TB
	a, b string
}

// newHosts makes the namespaces, or skips without the privilege.
func newHosts(t testing.TB) *hosts {
	t.Helper()
	needRoot(t)
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip command (iproute2)")
	}
	id := fmt.Sprintf("sonde%d-%d", os.Getpid(), time.Now().UnixNano()%1e6)
	h := &hosts{t: t, a: id + "a", b: id + "b"}
	t.Cleanup(func() {
		exec.Command("ip", "netns", "del", h.a).Run()
		exec.Command("ip", "netns", "del", h.b).Run()
	})
	h.run("ip", "netns", "add", h.a)
	h.run("ip", "netns", "add", h.b)
	h.run("ip", "-n", h.a, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", h.b)
	for i, ns := range []string{h.a, h.b} {
		dev := "v" + ns[len(ns)-1:]
		h.run("ip", "netns", "exec", ns, "sysctl", "-q", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf."+dev+".accept_dad=0")
		h.run("ip", "-n", ns, "link", "set", dev, "address", fmt.Sprintf("02:00:00:00:00:0%d", i+1))
		h.run("ip", "-n", ns, "addr", "add", fmt.Sprintf("10.99.0.%d/24", i+1), "dev", dev)
		h.run("ip", "-n", ns, "addr", "add", fmt.Sprintf("fd99::%d/64", i+1), "dev", dev, "nodad")
		h.run("ip", "-n", ns, "link", "set", "lo", "up")
		h.run("ip", "-n", ns, "link", "set", dev, "up")
		for _, other := range []string{"10.99.0.", "fd99::"} { // no resolution that packets wait for
			h.run("ip", "-n", ns, "neigh", "replace", fmt.Sprintf("%s%d", other, 2-i), "lladdr", fmt.Sprintf("02:00:00:00:00:0%d", 2-i), "dev", dev)
		}
	}
	return h
}

// needRoot skips a test that cannot capture.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces and packet sockets")
	}
	l, err := Open(Config{Interface: "lo"})
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("needs CAP_NET_RAW")
	}
	if err == nil {
		l.Close()
	}
}

func (h *hosts) run(name string, args ...string) {
	h.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		h.t.Skipf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// in runs f on a thread that is inside the namespace.
func (h *hosts) in(ns string, f func()) {
	h.t.Helper()
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread dies with the goroutine unless it is back home
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		there, err := os.Open(filepath.Join("/run/netns", ns))
		if err != nil {
			done <- err
			return
		}
		defer there.Close()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}

// open opens a capture inside the namespace.
func (h *hosts) open(ns string, cfg Config) *Live {
	h.t.Helper()
	var l *Live
	var err error
	h.in(ns, func() { l, err = Open(cfg) })
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	return l
}

// child prepares this binary as another process, inside ns unless empty.
func child(ns string, args ...string) *exec.Cmd {
	self, _ := os.Executable()
	cmd := exec.Command(self)
	if ns != "" {
		cmd = exec.Command("ip", "netns", "exec", ns, self)
	}
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join(args, " "))
	cmd.Stderr = os.Stderr
	return cmd
}

// udp sends n datagrams of the given size from namespace a to b's discard port.
func (h *hosts) udp(from, to string, n, size int) {
	h.t.Helper()
	h.in(from, func() {
		c, err := net.Dial("udp", to)
		if err != nil {
			h.t.Error(err)
			return
		}
		defer c.Close()
		arrived := h.barrier()
		for sent := 0; sent < n; {
			if _, err := c.Write(make([]byte, size)); err == nil {
				sent++ // else that was the refusal of an earlier one
			}
		}
		arrived()
	})
}

// barrier keeps the thread on one processor until the function that it returns has
// waited for all that was sent meanwhile. What is sent waits in a queue of its
// processor, which is mostly empty when the system call returns; but where much is to
// do ksoftirqd empties it later. So a datagram to the thread itself goes last.
func (h *hosts) barrier() (arrived func()) {
	h.t.Helper()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		h.t.Error(err)
	}
	cpu := 0
	for !all.IsSet(cpu) && cpu < 1024 {
		cpu++
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		h.t.Error(err)
	}
	return func() {
		defer unix.SchedSetaffinity(0, &all)
		self, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			h.t.Error(err)
			return
		}
		defer self.Close()
		self.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := self.WriteTo([]byte("last"), self.LocalAddr()); err != nil {
			h.t.Error(err)
			return
		}
		if _, _, err := self.ReadFrom(make([]byte, 8)); err != nil {
			h.t.Error(err)
		}
	}
}
