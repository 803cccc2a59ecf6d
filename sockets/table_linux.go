package sockets

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// system is the way to the kernel: netlink, or the files of /proc/net.
type system struct {
	wanted  Source
	netlink *netlinkConn // nil: /proc
	// fellBack is set when the last walk found netlink refused.
	fellBack bool
}

func (y *system) open(source Source) error {
	y.wanted = source
	if source == SourceProc {
		return procExists()
	}
	conn, err := dialNetlink()
	if err == nil {
		y.netlink = conn
		return nil
	}
	if source == SourceNetlink || !refused(err) || procExists() != nil {
		return err
	}
	return nil
}

func (y *system) close() error {
	if y.netlink == nil {
		return nil
	}
	return y.netlink.close()
}

func (y *system) source() Source {
	if y.netlink == nil || y.fellBack {
		return SourceProc
	}
	return SourceNetlink
}

// walk asks netlink; where it refuses before the first socket, and the caller
// left the choice, it asks /proc. The next walk tries netlink again: a kernel
// may lack unix_diag and have the rest.
func (y *system) walk(ctx context.Context, p *plan, s *Socket, visit func(*Socket) bool) error {
	if y.netlink == nil {
		return walkProc(ctx, p, s, visit)
	}
	seen := false
	y.fellBack = false
	err := y.netlink.walk(ctx, p, s, func(s *Socket) bool {
		seen = true
		return visit(s)
	})
	if seen || y.wanted != SourceAuto || !refused(err) || procExists() != nil {
		return err
	}
	y.fellBack = true
	return walkProc(ctx, p, s, visit)
}

func (y *system) destroy(s *Socket) error {
	if y.netlink == nil {
		return errors.ErrUnsupported
	}
	return y.netlink.destroy(s)
}

// refused tells a kernel that has no sock_diag, or forbids it (seccomp, a
// sandbox), from other failures.
func refused(err error) bool {
	for _, sign := range []error{
		fs.ErrPermission, unix.ENOENT, unix.EINVAL, unix.EPROTONOSUPPORT,
		unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.ENOSYS, unix.ESOCKTNOSUPPORT,
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
