package sniff

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropPrivileges gives up what an open capture needs no more: it becomes the
// user, if one is named, empties all capability sets of all threads, and forbids
// to gain any by executing a program. There is no way back.
//
// In a program that was built with cgo threads can be reached by libc only, which
// changes their user and not their capabilities. With a user named, who is not
// root, that comes to the same: the kernel empties the sets of a thread that was
// root and is no more. Without one the error satisfies errors.Is(err,
// errors.ErrUnsupported), and nothing was changed.
func DropPrivileges(name string) error { return dropPrivileges(name, 0) }

// mayWrite is the capability that rotation needs: to make files in directories
// that belong to others.
const mayWrite = 1 << unix.CAP_DAC_OVERRIDE

// dropPrivileges keeps some of the first 32 capabilities, as far as they are there
// and the user stays who it is.
func dropPrivileges(name string, keep uint32) error {
	if err := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		switch {
		case !errors.Is(err, unix.ENOTSUP):
			return fmt.Errorf("sniff: no_new_privs: %w", err)
		case name == "":
			return fmt.Errorf("sniff: dropping privileges in a program built with cgo: %w", errors.ErrUnsupported)
		}
		return become(name)
	}
	if name != "" {
		if err := become(name); err != nil {
			return err
		}
	}
	if err := allThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("sniff: ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3} // pid 0: the calling thread
	var left [2]unix.CapUserData
	if keep != 0 {
		if err := unix.Capget(&header, &left[0]); err != nil {
			return fmt.Errorf("sniff: capabilities: %w", err)
		}
		kept := left[0].Permitted & keep
		left = [2]unix.CapUserData{{Permitted: kept, Effective: kept}}
	}
	if err := allThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&left))); err != nil {
		return fmt.Errorf("sniff: dropping capabilities: %w", err)
	}
	return nil
}

// allThreads makes a system call on every thread of the program: capabilities
// and no_new_privs are each thread's own.
func allThreads(trap, a, b uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall(trap, a, b, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// become changes groups and user; the syscall package does it for all threads.
func become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("sniff: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return fmt.Errorf("sniff: user %s: %w", name, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return fmt.Errorf("sniff: user %s: %w", name, err)
	}
	if os.Geteuid() == uid {
		return nil
	}
	for _, err := range []error{syscall.Setgroups([]int{gid}), syscall.Setgid(gid), syscall.Setuid(uid)} {
		if err != nil {
			return fmt.Errorf("sniff: becoming %s: %w", name, err)
		}
	}
	return nil
}
