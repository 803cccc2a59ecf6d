package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scanner reads the links in /proc/PID/fd. A program may hold tens of thousands
// of them, so names stay in the buffers that the kernel filled: os.ReadDir and
// os.Readlink would make several strings for each.
type scanner struct {
	processes, descriptors []byte // for getdents
	links                  []fdLink
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
	for {
		n, err := readEntries(dir, s.descriptors)
		if errors.Is(err, os.ErrPermission) {
			o.hidden++
		}
		if n == 0 || err != nil {
			return
		}
		s.links = s.links[:0]
		entries(s.descriptors[:n], func(name []byte) { s.links = append(s.links, fdLink{name: name}) })
		s.follow(dir)
		for i := range s.links {
			l := &s.links[i]
			if l.inode == 0 {
				continue
			}
			if owner.Command == "" {
				owner.Command = s.command(o, proc, pid)
			}
			fd, _ := digits(l.name[:len(l.name)-1])
			owner.FD = int(fd)
			o.add(l.inode, owner)
		}
	}
}

// fdLink is a link in /proc/PID/fd. Its name ends with a zero byte; the inode is
// that of the socket it leads to, 0 for what is none.
type fdLink struct {
	name  []byte
	inode uint32
}

// shared is from how many links on a second goroutine reads half of them: reading
// one takes the kernel 2 to 3 µs, starting a goroutine on a sleeping processor some
// 30. For 10,000 sockets that took 11 % off a look, with other work on the machine.
const shared = 128

// follow reads the links.
func (s *scanner) follow(dir int) {
	if len(s.links) < shared || runtime.GOMAXPROCS(0) == 1 {
		followAll(dir, s.links)
		return
	}
	half := len(s.links) / 2
	done := make(chan struct{})
	go func() {
		followAll(dir, s.links[half:])
		close(done)
	}()
	followAll(dir, s.links[:half])
	<-done
}

// followAll reads links one after another. The system call is made directly because
// the wrapper wants a Go string and copies it.
func followAll(dir int, links []fdLink) {
	var text [64]byte
	for i := range links {
		n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&links[i].name[0])),
			uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)), 0, 0)
		if errno != 0 || int(n) < len(socketLink)+2 {
			continue
		}
		if number, ok := bytes.CutPrefix(text[:n-1], socketLink); ok {
			links[i].inode, _ = digits(number)
		}
	}
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
		n, err := readEntries(dir, buffer)
		if n == 0 || err != nil {
			return err
		}
		entries(buffer[:n], visit)
	}
}

// readEntries fills the buffer with the next entries of an open directory.
func readEntries(dir int, buffer []byte) (n int, err error) {
	for {
		n, err = unix.ReadDirent(dir, buffer)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, os.NewSyscallError("getdents", err)
		}
		return n, nil
	}
}

// entries takes what readEntries has read apart.
func entries(rest []byte, visit func(name []byte)) {
	for len(rest) > direntName {
		// struct linux_dirent64: the record's length stands at 16.
		length := int(binary.NativeEndian.Uint16(rest[16:]))
		if length <= direntName || length > len(rest) {
			return
		}
		name := rest[direntName:length]
		if end := bytes.IndexByte(name, 0); end > 0 {
			visit(name[:end+1])
		}
		rest = rest[length:]
	}
}

// direntName is where the name stands in a struct linux_dirent64.
const direntName = 19
