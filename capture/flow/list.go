package flow

// list is a place in a doubly linked ring of connections; its owner is known by
// the ring, and reached through conn.
type list struct {
	prev, next *list
	conn       *Conn
}

// ring is the head of such a list. The zero ring is empty once init was called.
type ring struct{ root list }

func (r *ring) init() { r.root.prev, r.root.next = &r.root, &r.root }

// oldest is the connection at the front, nil if there is none.
func (r *ring) oldest() *Conn { return r.root.next.conn }

// push puts l at the back.
func (r *ring) push(l *list) {
	l.prev, l.next = r.root.prev, &r.root
	l.prev.next, r.root.prev = l, l
}

// toBack moves l to the back of r, which it is in.
func (r *ring) toBack(l *list) {
	if l.next != &r.root {
		l.remove()
		r.push(l)
	}
}

// remove takes l out of its ring.
func (l *list) remove() {
	l.prev.next, l.next.prev = l.next, l.prev
	l.prev, l.next = nil, nil
}
