package sockets

import "iter"

// ChangeKind says what happened to a socket between two walks.
type ChangeKind uint8

// The kinds of change.
const (
	Appeared ChangeKind = iota + 1
	Changed             // its state did
	Gone
)

// String returns "appeared", "changed" or "gone".
func (k ChangeKind) String() string {
	switch k {
	case Appeared:
		return "appeared"
	case Changed:
		return "changed"
	case Gone:
		return "gone"
	}
	return "unknown"
}

// MarshalText returns the same as String, so that JSON holds names.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Change is one thing that happened between two walks. Its sockets are borrowed
// from the Differ and the walk: valid until the next step.
type Change struct {
	Kind ChangeKind
	// Before is what the walk before saw, with every detail it asked for; nil
	// when the socket appeared. Of a connection in TIME-WAIT the kernel tells
	// neither figures nor owner: here are the last that were known.
	Before *Socket
	// After is what this walk saw; nil when the socket has gone.
	After *Socket
}

// Differ says what changed from one walk to the next: which sockets appeared,
// which changed their state, which have gone. It does no I/O and has no clock.
// The zero Differ is ready: to its first walk every socket is new. It is not
// safe for concurrent use.
//
// A connection is known by its addresses, because the kernel gives it another
// cookie when it enters TIME-WAIT; where it shows that the addresses were taken
// again by a new connection, the old one is reported as gone first. What opened
// and closed between two walks was never seen: unless it left a TIME-WAIT,
// nothing tells of it. Walks given to one Differ must ask the same Query: a
// socket that a narrower one leaves out counts as gone.
type Differ struct {
	seen map[identity]*sight
	// turn numbers the walks, so that those not met in the last one show.
	turn uint64
	free []*sight
}

// sight is what a Differ keeps of a socket.
type sight struct {
	turn   uint64
	socket Socket
}

// identity is what a socket keeps for its life. All but TCP connections may
// share their addresses: then a number of the kernel's tells them apart.
type identity struct {
	pair   Pair
	index  uint32
	number uint64
}

func (s *Socket) identity() identity {
	id := identity{pair: s.Pair(), index: s.Interface}
	if s.Proto == TCP && s.Remote.Port() != 0 {
		return id
	}
	id.number = uint64(s.Inode)
	if s.Inode == 0 {
		id.number = s.Cookie
	}
	return id
}

// Changes walks the sockets and yields what changed since the last complete
// walk: what appeared or changed as it is met, what has gone at the end. An
// error of the walk is passed on and ends it: nothing then counts as gone.
func (d *Differ) Changes(walk iter.Seq2[*Socket, error]) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if d.seen == nil {
			d.seen = map[identity]*sight{}
		}
		d.turn++
		for s, err := range walk {
			if err != nil {
				yield(Change{}, err)
				return
			}
			if !d.meet(s, yield) {
				return
			}
		}
		d.sweep(yield)
	}
}

// meet compares one socket with what is remembered of it, and remembers it.
func (d *Differ) meet(s *Socket, yield func(Change, error) bool) (more bool) {
	id := s.identity()
	m, known := d.seen[id]
	if !known {
		m = d.remember(id)
	}
	switch {
	case !known:
		more = yield(Change{Kind: Appeared, After: s}, nil)
	case replaced(&m.socket, s):
		if !yield(Change{Kind: Gone, Before: &m.socket}, nil) {
			delete(d.seen, id)
			return false
		}
		more = yield(Change{Kind: Appeared, After: s}, nil)
	case m.socket.State != s.State:
		more = yield(Change{Kind: Changed, Before: &m.socket, After: s}, nil)
	default:
		more = true
	}
	m.turn, m.socket = d.turn, *s
	return more
}

// remember makes a place for a socket, out of one that is free if there is any.
func (d *Differ) remember(id identity) *sight {
	var m *sight
	if last := len(d.free) - 1; last >= 0 {
		m, d.free = d.free[last], d.free[:last]
	} else {
		m = new(sight)
	}
	d.seen[id] = m
	return m
}

// sweep yields and forgets what this turn has not met. What is left when the
// caller stops is yielded by the next complete walk.
func (d *Differ) sweep(yield func(Change, error) bool) {
	for id, m := range d.seen {
		if m.turn == d.turn {
			continue
		}
		delete(d.seen, id)
		more := yield(Change{Kind: Gone, Before: &m.socket}, nil)
		d.free = append(d.free, m)
		if !more {
			return
		}
	}
}

// replaced reports whether two sights of the same addresses are two sockets.
func replaced(before, after *Socket) bool {
	if before.State == TimeWait && after.State != TimeWait {
		return true
	}
	if before.Inode != 0 && after.Inode != 0 {
		return before.Inode != after.Inode
	}
	if before.Cookie == 0 || after.Cookie == 0 || before.Cookie == after.Cookie {
		return false
	}
	// The kernel puts a small record, with a cookie of its own, in the place of
	// a connection that waits in TIME-WAIT or, abandoned, in FIN-WAIT-2; and a
	// full socket in the place of one in SYN-RECEIVED.
	shrunk := after.State == TimeWait || after.State == FinWait2
	return before.State == TimeWait || !shrunk && before.State != SynReceived
}

// Diff compares two lists, as from Table.List: the changes that lead from before
// to after. Its sockets point into the two slices or are copies.
func Diff(before, after []Socket) []Change {
	var d Differ
	for range d.Changes(each(before)) {
	}
	var changes []Change
	for change := range d.Changes(each(after)) {
		if change.Before != nil {
			kept := *change.Before
			change.Before = &kept
		}
		changes = append(changes, change)
	}
	return changes
}

// each walks a list as a table is walked.
func each(list []Socket) iter.Seq2[*Socket, error] {
	return func(yield func(*Socket, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}
}
