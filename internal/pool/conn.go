package pool

import (
	"sync/atomic"

	"sonde/internal/message"
	"sonde/trace"
)

// Conn is a connection as the pool keeps it. It is never recycled.
//
// What is not marked as fixed is guarded by the lock of the place. 10,000 idle
// connections may cost at most 256 bytes each in all layers together: a test
// holds its size.
type Conn struct {
	link     Link   // fixed
	place    *Place // fixed
	prev     *Conn  // in the list it is in
	next     *Conn
	id       uint64       // fixed; counts connections of this process from 1
	created  int64        // fixed; reading of the clock
	since    int64        // idle, or last taken, since that reading
	requests uint32       // exchanges that were begun
	at       uint32       // where its place has it among conns
	active   uint16       // exchanges under way
	slots    uint16       // exchanges it can carry at once, as the link last said
	hint     uint16       // how long the server keeps it idle, less a margin, in hintUnits; 0: unknown
	why      trace.Reason // fixed; why it was opened
	end      trace.Reason // why it ends; NoReason: it does not
	list     listName     // the list it is in
	own      bool         // fixed; for one request only
	probing  bool         // taken to be checked
	closing  bool         // has left, counts until it was closed
}

// ID is the number of the connection in this process, as trace events have it.
func (c *Conn) ID() uint64 { return c.id }

// Route is the one that it belongs to.
func (c *Conn) Route() message.Route { return c.place.route }

// Link is the live connection.
func (c *Conn) Link() Link { return c.link }

// Why is the reason for which it was opened.
func (c *Conn) Why() trace.Reason { return c.why }

// lastID numbers connections.
var lastID atomic.Uint64

func clampSlots(n int) uint16 { return uint16(min(max(n, 0), 1<<16-1)) }
