package inspect

import (
	"math/bits"
	"slices"
	"time"
)

// lossKind says why a connection could not carry another request, as far as its
// own packets tell.
type lossKind uint8

const (
	lostUnknown    lossKind = iota
	leftIdle                // it was there, idle, and was never used again
	leftUnread              // the same, with response bytes that nobody read
	leftBodiless            // the same, after a response without a body
	leftHTTP2               // the same, and it could carry many at once
	leftApart               // it was there, idle, under another name
	leftElsewhere           // it was there, idle, at another address of the same name
	clientUnread            // the client closed it before the response was read
	clientGaveUp            // the client closed it before the response began
	clientNow               // the client closed it right behind a response
	clientIdle              // the client closed it after it had been idle
	clientAsked             // the client said Connection: close
	clientHTTP10            // the client spoke HTTP/1.0 without keep-alive
	serverAsked             // the server said Connection: close
	serverHTTP10            // the server spoke HTTP/1.0 without keep-alive
	serverUntilEnd          // the response had no other end than that of the connection
	serverNow               // the server closed it right behind a response, and nobody had said so
	serverIdle              // the server closed it after it had been idle
	serverFailed            // the server closed it without a response
	serverReset             // the server reset it
	serverGoAway            // the server said GOAWAY
	lossKinds
)

// loss is a connection that could not carry another request, and what is known
// of it.
type loss struct {
	kind     lossKind
	idle     time.Duration // before it was closed
	requests int
	others   int // other connections that were open then
	resting  int // of them idle
	raced    bool
	crossed  bool // the request was sent right behind a response, and the end came at once
	bodiless bool
	looked   bool // a look met the client's socket
	readOut  bool // the program had read it: nothing was left of a large response
	opaque   bool // what was said on it could not be read
	proxied  bool
	proxy    bool // the client is one
	status   int
	detail   string
	// certified: the other one showed the same certificate.
	certified bool
	age       time.Duration
}

// soon is how long after a response a close counts as right behind it.
const soon = 25 * time.Millisecond

// lossOf says why c, which was just closed, is of no use any more.
func lossOf(c *conn) loss {
	l := loss{
		idle: c.End.Idle, requests: max(c.begun, c.exchanges), others: c.place.open, resting: c.origin.idle,
		bodiless: c.signs.bodiless, opaque: c.tls && !c.decrypted || c.flow == nil, proxied: c.signs.proxied, proxy: c.signs.proxy, status: c.signs.status, detail: c.signs.goAway,
		age: time.Duration(c.ended - c.opened),
	}
	s := &c.signs
	switch {
	case s.clientOld:
		l.kind = clientHTTP10
	case s.clientClose:
		l.kind = clientAsked
	case s.goAway != "" && c.End.Idle >= soon:
		l.kind = serverIdle // RFC 9113, section 9.1: that is how HTTP/2 says it
	case s.goAway != "":
		l.kind = serverGoAway
	case s.serverOld:
		l.kind = serverHTTP10
	case s.serverClose:
		l.kind = serverAsked
	case s.untilClose:
		l.kind = serverUntilEnd
	case c.End.First == Server && c.state == stuck:
		l.kind = leftUnread // its patience had an end
	case c.End.First == Server:
		l.kind = byServer(c, &l)
	case c.End.First == Client:
		l.kind = byClient(c)
	}
	return l
}

// byServer is for a connection that the server closed, which nobody had announced.
func byServer(c *conn, l *loss) lossKind {
	answered := c.End.Idle > 0 || c.firstByte > c.begunAt
	if !answered && !c.heard && c.begun > 1 && time.Duration(c.lastIdle) >= soon {
		// The request met a connection that the server had closed, or was closing.
		l.idle, l.raced = time.Duration(c.lastIdle), true
		if c.End.How == RST {
			return serverReset
		}
		return serverIdle
	}
	switch {
	case c.End.How == RST:
		return serverReset
	case !answered:
		l.crossed = c.begun > 1 && c.ended-c.begunAt < int64(soon)
		return serverFailed
	case c.End.Idle >= soon:
		return serverIdle
	}
	return serverNow
}

func byClient(c *conn) lossKind {
	switch {
	case c.End.Unread:
		return clientUnread
	case c.state == busy || c.End.Idle == 0:
		return clientGaveUp
	case c.End.Idle < soon || c.outlived():
		return clientNow
	}
	return clientIdle
}

// outlived reports whether another connection that was idle for longer than c stays
// open: then no timeout has closed c.
func (c *conn) outlived() bool {
	oldest := c.origin.back
	return oldest != nil && c.idleSince-oldest.idleSince > max(int64(2*time.Millisecond), int64(c.End.Idle/8))
}

// leftOf says what is known of an idle connection that was passed over.
func leftOf(c *conn) loss {
	l := loss{
		kind: leftIdle, requests: max(c.begun, c.exchanges), others: c.place.open, resting: c.origin.idle,
		bodiless: c.signs.bodiless, opaque: c.tls && !c.decrypted || c.flow == nil, proxied: c.signs.proxied, proxy: c.signs.proxy, idle: c.End.Idle,
	}
	l.looked = c.State != 0
	l.readOut = c.signs.large && l.looked && c.Unread == 0 && !c.stuck
	switch {
	case c.http2:
		l.kind = leftHTTP2
	case c.Unread > 0 || c.stuck || c.End.Unread:
		l.kind = leftUnread
	case c.signs.bodiless:
		l.kind = leftBodiless
	}
	if c.End.First == Client && c.End.Idle >= soon && c.dropped() {
		l.kind = clientIdle
	}
	return l
}

// dropped reports whether the client closed c about when it opened another one:
// some look at the age of an idle connection only when they need one.
func (c *conn) dropped() bool {
	if c.place.lastBegun < c.ended {
		return false // rather the end of the program
	}
	for _, o := range c.passers {
		if d := c.ended - o.opened; d > -int64(soon) && d < int64(4*soon) {
			return true
		}
	}
	return false
}

// tally counts losses of one kind that made a client open another connection.
type tally struct {
	n         int
	first     int // the request, counted at its place, for which it was so
	last      int
	slow      int // the connection had been gone for a while, or idle
	withRest  int // others were idle at the same time
	others    int // others were open
	raced     int
	crossed   int
	bodiless  int
	looked    int
	readOut   int
	opaque    int
	proxied   int
	proxy     int
	certified int
	idles     []time.Duration
	counts    []int // requests of the connection
	ages      []time.Duration
	statuses  map[int]int
	detail    string
}

// maxFigures bounds what a tally keeps for medians.
const maxFigures = 512

func (t *tally) add(l *loss, request int, slow bool) {
	if t.n == 0 {
		t.first = request
		t.statuses = map[int]int{}
	}
	t.n++
	t.first, t.last = min(t.first, request), max(t.last, request)
	count := func(to *int, yes bool) {
		if yes {
			*to++
		}
	}
	count(&t.slow, slow)
	count(&t.withRest, l.resting > 0)
	count(&t.others, l.others > 0)
	count(&t.raced, l.raced)
	count(&t.crossed, l.crossed)
	count(&t.bodiless, l.bodiless)
	count(&t.looked, l.looked)
	count(&t.readOut, l.readOut)
	count(&t.opaque, l.opaque)
	count(&t.proxied, l.proxied)
	count(&t.proxy, l.proxy)
	count(&t.certified, l.certified)
	if len(t.idles) < maxFigures {
		t.idles = append(t.idles, l.idle)
		t.counts = append(t.counts, l.requests)
		t.ages = append(t.ages, l.age)
	}
	if len(t.statuses) < 32 {
		t.statuses[l.status]++
	}
	if l.detail != "" {
		t.detail = l.detail
	}
}

// spread are the tenth, middle and ninetieth of a hundred.
func spread[T int | time.Duration](all []T) (low, mid, high T) {
	if len(all) == 0 {
		return 0, 0, 0
	}
	s := slices.Sorted(slices.Values(all))
	n := len(s) - 1
	return s[n/10], s[n/2], s[n-n/10]
}

// steady reports whether durations are about the same: a timeout rather than
// chance.
func steady(all []time.Duration) (time.Duration, bool) {
	low, mid, high := spread(all)
	return mid, high-low <= max(mid/4, 150*time.Millisecond)
}

// histogram counts durations in steps of an eighth.
type histogram struct {
	counts [64 * 8]uint32
	n      uint64
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 1)))]++
	h.n++
}

// bucket is the place of a number: its highest bit, and the three below.
func bucket(v uint64) int {
	top := bits.Len64(v) - 1
	if top < 3 {
		return int(v)
	}
	return top*8 + int(v>>(top-3))&7
}

// at is the duration that a share q of all are below, to an eighth; of none 0.
func (h *histogram) at(q float64) time.Duration {
	if h == nil {
		return 0
	}
	left := uint64(q * float64(h.n))
	for i, n := range h.counts {
		if uint64(n) > left || left == 0 && n > 0 {
			if i < 24 {
				return time.Duration(i)
			}
			return time.Duration((8 + uint64(i&7)) << (i/8 - 3))
		}
		left -= uint64(n)
	}
	return 0
}
