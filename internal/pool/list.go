package pool

// listName names the list of its place that a connection is in. It is in exactly
// one while the place knows it.
type listName uint8

const (
	nowhere listName = iota // not yet, or not any more
	idle                    // carries nothing; the one that was used last comes first
	part                    // carries some exchanges, could carry more
	full                    // carries as many as it can, or is being checked; only counted
	owned                   // for one request only
	out                     // carries its last exchanges; does not count against limits
	nLists
)

// connList is a list of connections through their own pointers, so that a
// connection costs no other memory and leaves from the middle at once.
type connList struct {
	first, last *Conn
	n           int
}

func (l *connList) remove(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.prev, c.next = nil, nil
	l.n--
}

// insert keeps the list in the order of since, the latest first. Nearly always c
// goes to the front.
func (l *connList) insert(c *Conn) {
	before := l.first
	for before != nil && before.since > c.since {
		before = before.next
	}
	l.link(c, before)
}

// link puts c before another one, or, with nil, at the end.
func (l *connList) link(c, before *Conn) {
	l.n++
	c.next = before
	if before != nil {
		c.prev, before.prev = before.prev, c
	} else {
		c.prev, l.last = l.last, c
	}
	if c.prev != nil {
		c.prev.next = c
	} else {
		l.first = c
	}
}
