//go:build linux && !386 && !s390x && !race && !msan && !asan

package socket

import (
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// HasTCP reports whether Connect works here.
const HasTCP = true

// TCP is a connection as package net's, for one that nobody but a Conn sees. Package os
// has what it takes of the runtime's poller.
type TCP struct {
	file          *os.File
	sys           syscall.RawConn // of file
	local, remote netip.AddrPort  // local is zero until t is connected
}

// Connect begins to connect a new socket to remote, which is IPv4 or IPv6 without a
// zone. Where it is not over yet, Wait waits for its end.
func Connect(remote netip.AddrPort, keep net.KeepAliveConfig) (t *TCP, connected bool, err error) {
	fd, err := begin(remote)
	if err != nil {
		return nil, false, err
	}
	configure(fd, keep)
	// To an address of this machine it is over when the system call returns, which says
	// EINPROGRESS even so.
	errno := connect(fd, remote)
	local, peer, connected, err := progress(fd, errno)
	if err != nil {
		syscall.Close(fd)
		return nil, false, err
	}
	if connected {
		remote = peer
	}
	// Not before: the poller would tell what a socket has to say that is not connected.
	t = &TCP{file: os.NewFile(uintptr(fd), "tcp"), local: local, remote: remote}
	if t.sys, err = t.file.SyscallConn(); err != nil {
		t.file.Close()
		return nil, false, err
	}
	return t, connected, nil
}

func begin(remote netip.AddrPort) (int, error) {
	family := syscall.AF_INET
	if remote.Addr().Is6() {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}

// configure sets what net.Dialer does, with its defaults. Nothing is lost where the
// system refuses one.
func configure(fd int, keep net.KeepAliveConfig) {
	setsockopt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if !keep.Enable {
		if keep.Idle < 0 {
			return
		}
		keep = net.KeepAliveConfig{}
	}
	set := func(option, value, otherwise int) {
		if value == 0 {
			value = otherwise
		}
		if value > 0 {
			setsockopt(fd, syscall.IPPROTO_TCP, option, value)
		}
	}
	seconds := func(d time.Duration) int {
		if d <= 0 {
			return int(d)
		}
		return int((d + time.Second - 1) / time.Second)
	}
	setsockopt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
	set(syscall.TCP_KEEPIDLE, seconds(keep.Idle), 15)
	set(syscall.TCP_KEEPINTVL, seconds(keep.Interval), 15)
	set(syscall.TCP_KEEPCNT, keep.Count, 9)
}

func setsockopt(fd, level, option, value int) {
	v := int32(value)
	syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
}

func connect(fd int, remote netip.AddrPort) syscall.Errno {
	var port uint16
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&port))[:], remote.Port())
	if remote.Addr().Is4() {
		to := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: port, Addr: remote.Addr().As4()}
		_, _, errno := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
		return errno
	}
	to := syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Port: port, Addr: remote.Addr().As16()}
	_, _, errno := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	return errno
}

// progress is how far a connect is that said errno: connected from local to remote,
// which is another address than was asked for where that was "any", failed, or neither
// yet.
func progress(fd int, errno syscall.Errno) (local, remote netip.AddrPort, connected bool, err error) {
	switch errno {
	case 0, syscall.EINPROGRESS, syscall.EALREADY, syscall.EINTR, syscall.EISCONN:
	default:
		return local, remote, false, os.NewSyscallError("connect", errno)
	}
	if remote = name(fd, syscall.SYS_GETPEERNAME); remote.IsValid() {
		return name(fd, syscall.SYS_GETSOCKNAME), remote, true, nil
	}
	code, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil {
		return local, remote, false, os.NewSyscallError("getsockopt", err)
	}
	return local, remote, false, os.NewSyscallError("connect", errnoOf(code))
}

// errnoOf is nil for 0.
func errnoOf(code int) error {
	if code == 0 {
		return nil
	}
	return syscall.Errno(code)
}

// name is what getsockname or getpeername says, zero if that fails.
func name(fd int, call uintptr) netip.AddrPort {
	var a syscall.RawSockaddrInet6 // the longest that it can be
	size := uint32(unsafe.Sizeof(a))
	if _, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&a)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&a.Port))[:]) // at the same place in both
	if a.Family == syscall.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*syscall.RawSockaddrInet4)(unsafe.Pointer(&a)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), port)
}

// Wait waits until t is connected or cannot be, or the deadline for writing is over.
func (t *TCP) Wait() error {
	var failed error
	err := descriptor{t}.Write(func(fd uintptr) (over bool) {
		local, peer, connected, err := progress(int(fd), 0)
		if over, failed = connected || err != nil, err; connected {
			t.local, t.remote = local, peer
		}
		return over
	})
	return cmp.Or(err, failed)
}

// Itself reports whether t is connected to itself: the system may give a connection to
// a port of this machine where nobody listens that same port.
func (t *TCP) Itself() bool { return t.local == t.remote }

// Read is net.Conn's.
func (t *TCP) Read(p []byte) (int, error) {
	n, err := t.file.Read(p)
	return n, t.failure("read", err)
}

// Write is net.Conn's.
func (t *TCP) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	return n, t.failure("write", err)
}

// ReadFrom sends by sendfile what is left of r, if that is a file or a part of one.
func (t *TCP) ReadFrom(r io.Reader) (int64, error) {
	left := int64(math.MaxInt64)
	from := r
	limited, ok := r.(*io.LimitedReader)
	if ok {
		from, left = limited.R, limited.N
	}
	var sent int64
	if file, ok := from.(*os.File); ok {
		var err error
		sent, err = t.sendfile(file, left)
		if limited != nil {
			limited.N -= sent
		}
		if err != nil || limited != nil && limited.N <= 0 {
			return sent, t.failure("sendfile", err)
		}
	}
	// What is no file for sendfile, or has nothing left, which this will find.
	n, err := io.Copy(struct{ io.Writer }{t}, r)
	return sent + n, err
}

// sendfile sends up to limit bytes of file. None at all is no error: it may be of a
// kind that sendfile does not know.
func (t *TCP) sendfile(file *os.File, limit int64) (sent int64, err error) {
	in, err := file.SyscallConn()
	if err != nil {
		return 0, nil
	}
	var failed error
	held := in.Control(func(from uintptr) {
		err = descriptor{t}.Write(func(to uintptr) bool {
			for sent < limit {
				n, e := syscall.Sendfile(int(to), int(from), nil, int(min(limit-sent, 4<<20)))
				switch {
				case n > 0:
					sent += int64(n)
				case e == syscall.EAGAIN:
					return false
				case e == syscall.EINTR:
				case e == syscall.EINVAL || e == syscall.ENOSYS || e == syscall.EOPNOTSUPP || e == syscall.EPERM || e == nil:
					return true // not of such a file, or its end
				default:
					failed = os.NewSyscallError("sendfile", e)
					return true
				}
			}
			return true
		})
	})
	if held != nil {
		return 0, nil
	}
	return sent, cmp.Or(err, failed)
}

// Close is net.Conn's.
func (t *TCP) Close() error { return t.failure("close", t.file.Close()) }

// CloseWrite ends the sending direction.
func (t *TCP) CloseWrite() error {
	var failed error
	err := descriptor{t}.Control(func(fd uintptr) {
		failed = os.NewSyscallError("shutdown", syscall.Shutdown(int(fd), syscall.SHUT_WR))
	})
	return t.failure("close", cmp.Or(err, failed))
}

// LocalAddr is a *net.TCPAddr.
func (t *TCP) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(t.local) }

// RemoteAddr is a *net.TCPAddr.
func (t *TCP) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(t.remote) }

// SetDeadline is net.Conn's.
func (t *TCP) SetDeadline(at time.Time) error { return t.set(t.file.SetDeadline(at)) }

// SetReadDeadline is net.Conn's.
func (t *TCP) SetReadDeadline(at time.Time) error { return t.set(t.file.SetReadDeadline(at)) }

// SetWriteDeadline is net.Conn's.
func (t *TCP) SetWriteDeadline(at time.Time) error { return t.set(t.file.SetWriteDeadline(at)) }

func (t *TCP) set(err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: "set", Net: "tcp", Addr: t.LocalAddr(), Err: ofNet(err)}
}

// SyscallConn gives access to the descriptor.
func (t *TCP) SyscallConn() (syscall.RawConn, error) { return descriptor{t}, nil }

// failure is err of a file as package net has it.
func (t *TCP) failure(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if p, ok := err.(*os.PathError); ok {
		err = p.Err
	}
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	if err == os.ErrClosed {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: "tcp", Source: t.LocalAddr(), Addr: t.RemoteAddr(), Err: err}
}

// descriptor is access to a TCP's, with the errors of package net's.
type descriptor struct{ t *TCP }

func (d descriptor) Control(f func(fd uintptr)) error { return ofNet(d.t.sys.Control(f)) }

func (d descriptor) Read(f func(fd uintptr) bool) error { return ofNet(d.t.sys.Read(f)) }

func (d descriptor) Write(f func(fd uintptr) bool) error { return ofNet(d.t.sys.Write(f)) }

// ofNet is err of a file's descriptor: the end of a deadline, that the poller found the
// socket's error (see pending), or that it is closed, for which package os has no name
// here.
func ofNet(err error) error {
	if err == nil || err == os.ErrDeadlineExceeded || err.Error() == "not pollable" {
		return err
	}
	return net.ErrClosed
}
