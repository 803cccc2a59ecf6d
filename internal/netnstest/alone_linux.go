// Package netnstest gives the tests of a package a network of their own.
//
// Who counts the kernel's sockets, or the packets of an interface, counts those of
// every other test on the machine as well, whose ports may be its own a moment later.
package netnstest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker is set for a process that is in such a network, and so for its children.
const marker = "SONDE_TEST_NETWORK"

// Alone is for the beginning of TestMain: it runs the test binary in a new network
// namespace, where nothing is but the loopback interface, and ends with its exit code.
// It does nothing in there, nor where that takes a privilege which is not there.
func Alone() {
	if os.Getenv(marker) != "" {
		up("lo")
		return
	}
	// Not a command that the binary stands in for.
	if os.Geteuid() != 0 || !strings.HasSuffix(os.Args[0], ".test") {
		return
	}
	runtime.LockOSThread() // with the thread that has begun it the child would die
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if cmd.Start() != nil {
		runtime.UnlockOSThread()
		return
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		os.Exit(code)
	}
	os.Exit(1) // by a signal
}

// up switches a network interface on.
func up(name string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, req) != nil || req.Uint16()&unix.IFF_UP != 0 {
		return
	}
	req.SetUint16(req.Uint16() | unix.IFF_UP)
	unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}
