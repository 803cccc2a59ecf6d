package inspect

import (
	"net/netip"
	"sync"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/httpview"
	"sonde/capture/tlsplain"
)

// Config sets up an Inspector. The zero Config works.
type Config struct {
	// Conns is how many connections that are over are kept, the latest ones; those
	// before are in the sums only. Zero is 2,000, less is none.
	Conns int
	// Requests is how many requests of each connection are kept. Zero is 64, less
	// is none.
	Requests int
	// Segments is how many packets of each connection are kept, the first ones. Zero
	// is none.
	Segments int
	// Packets says that packets will come. The kernel then adds to what they tell;
	// otherwise it tells of connections by itself.
	Packets bool
	// Keys finds the secrets of TLS sessions; nil: the records are counted.
	Keys tlsplain.Keys
	// Mine says whose connections count, by a process that holds one of the ends;
	// nil: all. A connection that is over before its owner is known counts.
	Mine func(pid int) bool
	// Server says which connections count, by their server; nil: all.
	Server func(netip.AddrPort) bool
}

const (
	defaultConns    = 2000
	defaultRequests = 64
)

// Inspector takes what the witnesses say. It is safe for concurrent use. Memory is
// bounded: of connections that are over the latest are kept, the open ones are
// at most 65,536.
type Inspector struct {
	config Config

	mu       sync.Mutex
	view     *httpview.View
	inner    func(*flow.Conn) flow.Stream
	decoded  decode.Packet
	now      int64 // of the latest packet, look or event
	start    int64
	current  *conn // whose bytes are being read
	ending   bool  // because its end was seen
	flows    map[*flow.Conn]*conn
	pairs    map[pair]*conn // those that are not over
	places   map[placeKey]*place
	past     past
	sumUpAt  int // so many places, and no fewer than manyPlaces
	names    map[nameKey][]*place
	leaving  []*conn // that are over, and may still get packets
	kept     []Conn
	dropped  int // that are not kept any more
	numbered int
	busy     int
	peak     int
	others   int // connections that are not HTTP
	foreign  int // of other processes
	gaps     int // connections that are over, and packets of them are missing
	opaque   int // the same, and could not be looked into
	hidden   int // of these HTTP/2, or perhaps
	cut      bool

	seen     Witnesses
	kernel   kernelWitness
	client   clientWitness
	troubles []string
}

type (
	pair     struct{ client, server netip.AddrPort }
	placeKey struct {
		client netip.Addr
		server netip.AddrPort
	}
	nameKey struct {
		client netip.Addr
		name   string
		port   uint16
	}
)

// Witnesses says who was heard.
type Witnesses struct {
	Packets uint64 // how many
	Looks   int    // at the kernel's sockets
	Events  uint64 // of the client
	Dropped uint64 // packets that passed the filter and found no room
}

// New makes an Inspector.
func New(c Config) *Inspector {
	if c.Conns == 0 {
		c.Conns = defaultConns
	}
	if c.Requests == 0 {
		c.Requests = defaultRequests
	}
	i := &Inspector{
		config: c, flows: map[*flow.Conn]*conn{}, pairs: map[pair]*conn{},
		places: map[placeKey]*place{}, names: map[nameKey][]*place{},
	}
	i.view = httpview.New(httpview.Config{
		Exchange: i.exchange,
		Frame:    i.frame,
		Keys:     c.Keys,
		Secrets:  true, // no field is kept, and targets are redacted when they are
		Limits:   flow.Limits{Idle: flowIdle, Linger: 2 * linger},
	})
	i.inner = i.view.Stream
	i.view.Table().Open = i.open
	return i
}

// Dropped tells how many packets were lost before they could be inspected, in
// total: with some, counts are "at least".
func (i *Inspector) Dropped(n uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen.Dropped = n
}

// Trouble notes why a witness could not be heard, or not to the end, for the report.
func (i *Inspector) Trouble(text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, t := range i.troubles {
		if t == text {
			return
		}
	}
	i.troubles = append(i.troubles, text)
}

// Packet takes a packet. It keeps nothing of it.
func (i *Inspector) Packet(p *capture.Packet) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen.Packets++
	i.tick(p.Time)
	i.decoded.Decode(p.Link, p.Data)
	i.cut = i.decoded.Length > len(i.decoded.Payload)
	seg := i.view.Packet(&i.decoded, p.Time)
	if seg.Conn == nil || i.decoded.Has&decode.LayerTCP == 0 {
		return
	}
	if c := i.flows[seg.Conn]; c != nil {
		i.segment(c, &seg, p)
	}
}

// Advance says what time it is, in nanoseconds since the epoch, when nothing else
// does.
func (i *Inspector) Advance(now int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.view.Advance(now)
	i.tick(now)
}

// tick moves the clock on.
func (i *Inspector) tick(now int64) {
	if i.start == 0 {
		i.start = now
	}
	i.now = max(i.now, now)
	if len(i.leaving) > 0 && i.now-i.leaving[0].ended > int64(linger) {
		i.view.Advance(i.now) // it tells what was missing, before they are forgotten
	}
	for len(i.leaving) > 0 && i.now-i.leaving[0].ended > int64(linger) {
		i.release(i.leaving[0])
		i.leaving[0] = nil
		i.leaving = i.leaving[1:]
	}
}
