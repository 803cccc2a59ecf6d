package sockets

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Source is where a Table's answers come from.
type Source uint8

// The sources.
const (
	// SourceAuto is netlink, and /proc where the kernel refuses it.
	SourceAuto Source = iota
	// SourceNetlink is sock_diag.
	SourceNetlink
	// SourceProc is /proc/net: addresses, states, queues, timers, UID and inode,
	// but none of DetailInfo, Memory, Congestion, TOS and Shutdown.
	SourceProc
)

// String returns "auto", "netlink" or "proc".
func (s Source) String() string {
	return [...]string{"auto", "netlink", "proc", "unknown"}[min(s, 3)]
}

// Config sets up a Table. The zero Config works.
type Config struct {
	// Source is where to ask; zero is netlink with /proc as the fallback.
	Source Source
	// Owners is asked for DetailOwner; it may be shared by tables of the same
	// goroutine. Nil: the table makes its own when it first needs one.
	Owners *Owners
}

// Errors of this package, for errors.Is.
var (
	// ErrBusy is for a walk that begins inside another one of the same Table.
	ErrBusy = errors.New("sockets: the table is being walked")
	// ErrClosed is for the use of a closed Table.
	ErrClosed = errors.New("sockets: the table is closed")
)

// Table is a way to ask the kernel for its sockets, again and again. Nothing is
// remembered between calls but buffers. A Table is not safe for concurrent use;
// open one for each goroutine.
type Table struct {
	system system
	owners *Owners
	socket Socket // the one that a walk shows
	busy   bool
	closed bool
}

// Open returns a Table that the caller closes. It fails where the system has no
// way to list sockets: then errors.Is(err, errors.ErrUnsupported) holds, or
// errors.Is(err, fs.ErrPermission).
func Open(config Config) (*Table, error) {
	t := &Table{owners: config.Owners}
	if err := t.system.open(config.Source); err != nil {
		return nil, fmt.Errorf("sockets: open: %w", err)
	}
	return t, nil
}

// Close frees the table's socket. Closing twice is fine.
func (t *Table) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	return t.system.close()
}

// Source tells where the answers of the last walk came from, or those of the
// first will: SourceNetlink or SourceProc.
func (t *Table) Source() Source { return t.system.source() }

// All walks the sockets that the query selects. The Socket is the table's own
// and valid until the next step: copy it to keep it. The walk may be left at
// any time. An error comes last, with a nil Socket; when the context ends, it
// satisfies errors.Is with context.Cause(ctx).
func (t *Table) All(ctx context.Context, q Query) iter.Seq2[*Socket, error] {
	return func(yield func(*Socket, error) bool) {
		err := t.walk(ctx, q, func(s *Socket) bool { return yield(s, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// List returns the sockets that the query selects, in no particular order.
func (t *Table) List(ctx context.Context, q Query) ([]Socket, error) {
	var all []Socket
	err := t.walk(ctx, q, func(s *Socket) bool {
		all = append(all, *s)
		return true
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Count returns how many sockets the query selects, per state.
func (t *Table) Count(ctx context.Context, q Query) (Counts, error) {
	var counts Counts
	q.Detail = 0
	err := t.walk(ctx, q, func(s *Socket) bool {
		counts.Add(s.State)
		return true
	})
	if err != nil {
		return Counts{}, err
	}
	return counts, nil
}

// Destroy closes somebody's TCP or UDP socket (SOCK_DESTROY): its owner's next
// call fails with ECONNABORTED, and a TCP peer gets a RST. s must come from a
// walk over netlink: its Cookie makes sure that a newer socket with the same
// addresses is left alone. CAP_NET_ADMIN is needed; without it
// errors.Is(err, fs.ErrPermission) holds, and errors.Is(err, fs.ErrNotExist)
// where the socket has gone already.
func (t *Table) Destroy(s *Socket) error {
	switch {
	case t.closed:
		return ErrClosed
	case t.busy:
		return ErrBusy
	case s.Proto == Unix:
		return fmt.Errorf("sockets: destroy: Unix sockets: %w", errors.ErrUnsupported)
	case s.Cookie == 0:
		return errors.New("sockets: destroy: the socket has no cookie")
	}
	if err := t.system.destroy(s); err != nil {
		return fmt.Errorf("sockets: destroy %s: %w", s.Pair(), err)
	}
	return nil
}

// walk calls visit for each socket until it returns false, which is no error.
func (t *Table) walk(ctx context.Context, q Query, visit func(*Socket) bool) error {
	p, err := q.plan()
	switch {
	case err != nil:
		return err
	case t.closed:
		return ErrClosed
	case t.busy:
		return ErrBusy
	}
	t.busy = true
	defer func() { t.busy = false }()
	if q.Detail&DetailOwner != 0 {
		visit = t.withOwner(visit)
	}
	if err := t.system.walk(ctx, p, &t.socket, visit); err != nil {
		return fmt.Errorf("sockets: list %s: %w", p.Proto, err)
	}
	return nil
}

// withOwner fills in the owner on the way to visit. A system without /proc has
// sockets all the same: then they come without owners.
func (t *Table) withOwner(visit func(*Socket) bool) func(*Socket) bool {
	if t.owners == nil {
		t.owners = new(Owners)
	}
	if err := t.owners.begin(); err != nil {
		return visit
	}
	return func(s *Socket) bool {
		if owner, ok := t.owners.during(s.Inode); ok {
			s.Owner = owner
			s.Has |= DetailOwner
		}
		return visit(s)
	}
}

// List opens a table, lists and closes it: see Table.List. Safe for concurrent
// use.
func List(ctx context.Context, q Query) ([]Socket, error) {
	t, err := Open(Config{})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return t.List(ctx, q)
}

// Count opens a table, counts and closes it: see Table.Count. Safe for
// concurrent use.
//
//	n, err := sockets.Count(ctx, sockets.Query{Filter: sockets.Port(8080)})
//	n[sockets.TimeWait] // how many wait
func Count(ctx context.Context, q Query) (Counts, error) {
	t, err := Open(Config{})
	if err != nil {
		return Counts{}, err
	}
	defer t.Close()
	return t.Count(ctx, q)
}
