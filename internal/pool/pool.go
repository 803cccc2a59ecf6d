// Package pool decides which connection carries a request.
//
// It keeps live connections by route, hands out their free slots, queues those
// who find none, dials, and ends what was idle for too long or has died. It
// knows no protocol: a connection is a Link, a way to make one a Dialer.
//
// # What is where
//
// state (one per route) holds every rule, and is plain data: it is told what
// happened and answers with what to do. Place adds the lock; Pool does what was
// answered: it dials, closes, wakes, emits.
//
// # Locks
//
//   - Place.mu guards the state of its route: lists of connections and the
//     changing fields of each, the queue and the progress of each waiter, dials.
//   - Pool.mu guards the map of places, the counts of forgotten places, and the
//     decision to start one more goroutine or none because the pool is closed.
//   - The number of idle connections and the counts by reason are atomic.
//
// No goroutine holds two of them, and none holds one during I/O, a call of
// something that was handed in (Link, Dialer, Sink), a channel operation, or the
// cancel of a context. So there is no order to keep. What follows from that:
//
//   - A waiter's progress changes under its place's lock, and it is told through
//     its channel after. One that leaves at that moment finds what it was given,
//     waits for the word, and gives it back.
//   - A connection that was ended by a limit, and the new one that this made room
//     for, are never there together: the old one counts until it was closed.
//   - A limit on idle connections in total is passed for a moment by each
//     goroutine that is about to evict one.
//   - A place that was found may be dead when it is locked: it is looked up again.
//
// # Goroutines
//
// Dials that may serve somebody else, and the sweeper, which lives only while
// something is idle. Close waits for them.
package pool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sonde/internal/event"
	"sonde/internal/message"
	"sonde/trace"
)

// Link is what the pool needs of a live connection; a protocol implements it. No
// lock of the pool is held while one of its methods runs.
type Link interface {
	// Slots is how many exchanges it can carry at once now: 1 for HTTP/1. One
	// that takes no new ones says 0: it does not count against limits, nobody
	// waits for it, and it ends with its last exchange. Beyond 65,535 it is that.
	Slots() int
	// Fd is the descriptor for poll, -1 where there is none. It may be asked of
	// a link that another goroutine is just closing.
	Fd() int
	// Check says why an idle connection cannot be used any more, NoReason if it
	// can. It takes at most about a millisecond.
	Check() trace.Reason
	// Close ends one that carries no exchange, gracefully, without waiting. It
	// may be dead already. It is called once, unless Abort was.
	Close(trace.Reason)
	// Abort ends one in use at once. It is called from any goroutine.
	Abort(trace.Reason)
}

// Seater is a Link with a place, zero, for the Conn that the pool makes of it.
type Seater interface {
	Seat() *Conn
}

// Describer is a Link that can say what an event tells of a connection.
type Describer interface {
	// Describe gives the same Detail each time; host is the origin's.
	Describe(host string) *trace.Detail
}

// Dialer makes connections. It may run on a goroutine of the pool, under a
// context that outlives its caller's but has its values. A panic there ends the
// program.
type Dialer interface {
	Dial(ctx context.Context, route message.Route, why trace.Reason, log *event.Log) (Link, error)
}

// Config is fixed when a Pool is made.
type Config struct {
	MaxIdle           int           // idle connections in total; 0: no limit
	MaxIdlePerOrigin  int           // idle connections of a route; 0: no limit
	KeepOld           bool          // past MaxIdlePerOrigin the newest idle one ends, not the oldest
	MaxConnsPerOrigin int           // connections of a route with those being dialed; 0: no limit
	IdleTimeout       time.Duration // 0: none
	MaxAge            time.Duration // each has up to a tenth less; 0: none
	CheckAfter        time.Duration // idle for so long, it is checked before use; 0: a second
	DialTimeout       time.Duration // bounds a dial that may outlive its caller; 0: nothing does
	Sink              trace.Sink    // hears of the ends of idle connections; may be nil
}

// Want is what a caller of Acquire asks for. It must stay as it is until Acquire
// returns.
type Want struct {
	Route   message.Route
	Place   *atomic.Pointer[Place] // where a caller that comes again keeps the route's place, so that a hit does not hash the route; nil: nowhere
	Sure    bool                   // what Place holds is of this pool and of Route: no need to look
	Dialer  Dialer
	Log     *event.Log // nil: nobody listens
	OneShot bool       // a new connection, not given to others afterwards
	Check   bool       // check an idle connection however fresh: the request could not be sent again
	Retry   bool       // the attempt before met a dead connection: a new one, RetryOfDead, or one that was checked where there is no room
	Linger  bool       // dial on a goroutine of the pool, and to the end: the connection serves another
	NoWait  bool       // ErrBusy instead of waiting for a slot
	Until   int64      // reading of the clock at which waiting in the queue ends; 0: none
	End     int64      // reading of the clock that bounds a dial on the caller's goroutine; 0: none
	Now     int64      // a fresh reading of the clock, if the caller has one; 0: none
}

// Got is the answer to a Want.
type Got struct {
	Conn   *Conn
	Reused bool          // it had been in use or in the pool
	Idle   time.Duration // how long a reused one was idle
	Why    trace.Reason  // why a new one was opened
	Now    int64         // a reading of the clock when it was given; 0: nobody looked
}

// Pool keeps connections. It is safe for concurrent use.
type Pool struct {
	cfg     Config
	sink    *event.Log // for what happens in no call; nil: nobody listens
	waiters waiters

	_        [64]byte
	idle     atomic.Int64 // changes all the time: on a cache line of its own
	_        [56]byte
	sweeping atomic.Bool // the sweeper runs, or is about to
	reasons  [len(trace.Reasons{})]atomic.Uint64

	stop    chan struct{} // closed by Close
	nudge   chan struct{} // one slot; the sweeper looks at once whether it is still needed
	running sync.WaitGroup

	mu       sync.Mutex
	places   map[message.Route]*Place
	pruneAt  int    // number of places at which empty ones are looked for
	past     counts // of places that were forgotten
	isClosed bool
}

// New makes an empty pool.
func New(cfg Config) *Pool {
	if cfg.CheckAfter <= 0 {
		cfg.CheckAfter = time.Second
	}
	p := &Pool{
		cfg:     cfg,
		stop:    make(chan struct{}),
		nudge:   make(chan struct{}, 1),
		places:  make(map[message.Route]*Place),
		pruneAt: minPlaces,
	}
	if cfg.Sink != nil {
		p.sink = &event.Log{Sink: cfg.Sink}
	}
	return p
}
