package tap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The two ends of the pair.
const (
	near = "va" // the load's
	Far  = "vb" // where is captured
)

// Hosts are two network namespaces with a wire between them.
type Hosts struct{ a, b *namespace }

// NewHosts makes them. The error says what is missing.
func NewHosts() (*Hosts, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("root is needed for network namespaces and packet sockets")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, errors.New("the command ip (iproute2) is not installed")
	}
	h := new(Hosts)
	err := h.build()
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func (h *Hosts) build() (err error) {
	if h.a, err = newNamespace(); err != nil {
		return err
	}
	if h.b, err = newNamespace(); err != nil {
		return err
	}
	there := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), h.b.file.Fd())
	err = h.a.do(func() error {
		return errors.Join(silence(), ip("link add "+near+" address 02:00:00:00:00:01 type veth peer name "+Far+
			" address 02:00:00:00:00:02 netns "+there), ip("addr add 10.99.0.1/24 dev "+near), ip("link set "+near+" up"))
	})
	return errors.Join(err, h.b.do(func() error {
		return errors.Join(silence(), ip("addr add 10.99.0.2/24 dev "+Far), ip("link set "+Far+" up"), ip("link set lo up"))
	}))
}

// silence keeps a namespace from sending packets of its own.
func silence() error {
	os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
	return nil // where that cannot be written there are a few packets more
}

func ip(words string) error {
	if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", words, err, out)
	}
	return nil
}

// Close gives the namespaces back, and the wire with them.
func (h *Hosts) Close() {
	for _, n := range []*namespace{h.a, h.b} {
		if n != nil {
			n.file.Close()
		}
	}
}

// namespace lives as long as its file is open, or a process is in it.
type namespace struct{ file *os.File }

func newNamespace() (*namespace, error) {
	n := new(namespace)
	return n, apart(func() (err error) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		n.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
}

// do runs f inside; processes that it starts are inside, too.
func (n *namespace) do(f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering a network namespace: %w", err)
		}
		return f()
	})
}

// apart runs f on a thread of its own, which ends with it.
func apart(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no more use
		done <- f()
	}()
	return <-done
}
