package sockets

import (
	"iter"
	"time"
)

// Owner is a process that holds a socket open. The zero Owner is none, or one
// that may not be seen.
type Owner struct {
	PID     int
	FD      int    // the descriptor, in that process
	Command string // the name in /proc/PID/comm: at most 15 bytes
}

// DefaultOwnersAge is what a zero Owners.MaxAge means.
const DefaultOwnersAge = time.Second

// Owners knows which processes hold which sockets. It looks through /proc for
// that, which costs more than listing the sockets, so it remembers: a look is
// repeated when it is older than MaxAge, or when a walk meets a socket that it
// has not seen. Without CAP_SYS_PTRACE (or root) only the caller's own
// processes are seen; Hidden counts the others.
//
// The zero Owners is ready to use. It is not safe for concurrent use, nor are
// the tables that share one.
type Owners struct {
	// MaxAge bounds how old an answer may be; zero is DefaultOwnersAge. An
	// inode of a socket is not reused for long, so an old answer is wrong only
	// when the holder has handed the socket on, or has died.
	MaxAge time.Duration

	first   map[uint32]int32 // inode to its first entry
	entries []ownerEntry
	absent  map[uint32]struct{} // inodes that the last look did not find
	hidden  int
	looked  time.Time
	scanner scanner
	known   names
	// renewed is set when the present walk has caused a look already.
	renewed bool
}

// ownerEntry is one descriptor; next links those of the same socket, -1 ends.
type ownerEntry struct {
	owner Owner
	next  int32
}

// Refresh looks through /proc now.
func (o *Owners) Refresh() error {
	if o.first == nil {
		o.first, o.absent, o.known = map[uint32]int32{}, map[uint32]struct{}{}, names{}
	}
	clear(o.first)
	clear(o.absent)
	o.entries, o.hidden = o.entries[:0], 0
	err := o.scanner.scan(o)
	if err == nil {
		o.looked = time.Now()
	}
	return err
}

// add is what the scanner calls for each socket it finds.
func (o *Owners) add(inode uint32, owner Owner) {
	next, ok := o.first[inode]
	if !ok {
		next = -1
	}
	o.first[inode] = int32(len(o.entries))
	o.entries = append(o.entries, ownerEntry{owner, next})
}

// Of returns a process that holds the socket with this inode, as the last look
// saw it. It looks by itself when there was none yet.
func (o *Owners) Of(inode uint32) (Owner, bool) {
	if o.looked.IsZero() {
		if err := o.Refresh(); err != nil {
			return Owner{}, false
		}
	}
	at, ok := o.first[inode]
	if !ok {
		return Owner{}, false
	}
	return o.entries[at].owner, true
}

// All yields every process and descriptor that holds the socket, as the last
// look saw it.
func (o *Owners) All(inode uint32) iter.Seq[Owner] {
	return func(yield func(Owner) bool) {
		at, ok := o.first[inode]
		for ok && at >= 0 && yield(o.entries[at].owner) {
			at = o.entries[at].next
		}
	}
}

// Hidden is the number of processes whose descriptors the last look was not
// allowed to see.
func (o *Owners) Hidden() int { return o.hidden }

// begin prepares for a walk: the look must be recent.
func (o *Owners) begin() error {
	age := o.MaxAge
	if age == 0 {
		age = DefaultOwnersAge
	}
	o.renewed = false
	if !o.looked.IsZero() && time.Since(o.looked) <= age {
		return nil
	}
	o.renewed = true
	return o.Refresh()
}

// during answers within a walk. A socket that the last look did not see may be
// new: that is worth one more look in each walk, and none for sockets that no
// look can find.
func (o *Owners) during(inode uint32) (Owner, bool) {
	if inode == 0 {
		return Owner{}, false
	}
	if owner, ok := o.Of(inode); ok {
		return owner, true
	}
	if _, absent := o.absent[inode]; absent {
		return Owner{}, false
	}
	if !o.renewed {
		o.renewed = true
		if err := o.Refresh(); err == nil {
			if owner, ok := o.Of(inode); ok {
				return owner, true
			}
		}
	}
	o.absent[inode] = struct{}{}
	return Owner{}, false
}
