package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scanner reads the links in /proc/PID/fd. A program may hold tens of thousands
// of them, so names stay in the buffers that the kernel filled: os.ReadDir and
// os.Readlink would make several strings for each.
type scanner struct {
	processes, descriptors []byte // for getdents
	link                   [64]byte
	path                   []byte
}

// direntBuffer holds about a thousand entries of /proc/PID/fd.
const direntBuffer = 32 << 10

var socketLink = []byte("socket:[")

func (s *scanner) scan(o *Owners) error {
	if s.processes == nil {
		s.processes, s.descriptors = make([]byte, direntBuffer), make([]byte, direntBuffer)
	}
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	defer unix.Close(proc)
	return eachEntry(proc, s.processes, func(name []byte) {
		if pid, ok := digits(name[:len(name)-1]); ok {
			s.process(o, proc, int(pid), name[:len(name)-1])
		}
	})
}

// process looks at one process. One that has gone meanwhile is no error; one
// that may not be looked at is counted.
func (s *scanner) process(o *Owners, proc, pid int, name []byte) {
	s.path = append(append(s.path[:0], name...), "/fd"...)
	dir, err := unix.Openat(proc, string(s.path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			o.hidden++
		}
		return
	}
	defer unix.Close(dir)
	owner := Owner{PID: pid}
	err = eachEntry(dir, s.descriptors, func(name []byte) {
		inode, ok := s.socketInode(dir, name)
		if !ok {
			return
		}
		if owner.Command == "" {
			owner.Command = s.command(o, proc, pid)
		}
		fd, _ := digits(name[:len(name)-1])
		owner.FD = int(fd)
		o.add(inode, owner)
	})
	if errors.Is(err, os.ErrPermission) {
		o.hidden++
	}
}

// socketInode reads one link; name ends with its zero byte. The system call is
// made directly because the wrapper wants a Go string and copies it.
func (s *scanner) socketInode(dir int, name []byte) (uint32, bool) {
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir),
		uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&s.link[0])), uintptr(len(s.link)), 0, 0)
	if errno != 0 || int(n) < len(socketLink)+2 {
		return 0, false
	}
	number, ok := bytes.CutPrefix(s.link[:n-1], socketLink)
	if !ok {
		return 0, false
	}
	return digits(number)
}

// command reads the process's name; "?" when it has gone.
func (s *scanner) command(o *Owners, proc, pid int) string {
	s.path = append(s.path[:len(s.path)-len("fd")], "comm"...)
	fd, err := unix.Openat(proc, string(s.path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "?"
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, s.link[:])
	if err != nil || n < 2 {
		return "?"
	}
	return o.known.of(s.link[:n-1])
}

// eachEntry calls visit with the name of each entry of an open directory; its
// last byte is the zero that the kernel put there.
func eachEntry(dir int, buffer []byte, visit func(name []byte)) error {
	for {
		n, err := unix.ReadDirent(dir, buffer)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("getdents", err)
		case n == 0:
			return nil
		}
		for rest := buffer[:n]; len(rest) > direntName; {
			// struct linux_dirent64: the record's length stands at 16.
			length := int(binary.NativeEndian.Uint16(rest[16:]))
			if length <= direntName || length > len(rest) {
				break
			}
			name := rest[direntName:length]
			if end := bytes.IndexByte(name, 0); end > 0 {
				visit(name[:end+1])
			}
			rest = rest[length:]
		}
	}
}

// direntName is where the name stands in a struct linux_dirent64.
const direntName = 19
