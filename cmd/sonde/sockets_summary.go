package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sonde/sockets"
)

// census counts sockets: per protocol and state, and connections per peer.
type census struct {
	protos    map[sockets.Proto]*sockets.Counts
	peers     map[peer]*sockets.Counts
	listening map[uint16]bool // TCP ports, to know who connected to whom
}

// peer is who is at the other end: of connections to its port, or of those that
// it made to ours.
type peer struct {
	proto sockets.Proto
	to    bool
	addr  netip.Addr
	port  uint16
}

// newCensus looks first which ports are listened at.
func (c *socketsCommand) newCensus(ctx context.Context) (*census, error) {
	t := &census{
		protos:    map[sockets.Proto]*sockets.Counts{},
		peers:     map[peer]*sockets.Counts{},
		listening: map[uint16]bool{},
	}
	for _, q := range c.queries {
		t.protos[q.Proto] = new(sockets.Counts)
		if q.Proto != sockets.TCP {
			continue
		}
		listeners := sockets.Query{Proto: sockets.TCP, States: sockets.StatesOf(sockets.Listen)}
		for s, err := range c.table.All(ctx, listeners) {
			if err != nil {
				return nil, err
			}
			t.listening[s.Local.Port()] = true
		}
	}
	return t, nil
}

func (t *census) add(s *sockets.Socket) {
	t.protos[s.Proto].Add(s.State)
	if s.Proto == sockets.Unix || s.Remote.Port() == 0 {
		return
	}
	p := peer{proto: s.Proto, addr: s.Remote.Addr()}
	if p.to = s.Proto == sockets.UDP || !t.listening[s.Local.Port()]; p.to {
		p.port = s.Remote.Port()
	} else {
		p.port = s.Local.Port()
	}
	counts := t.peers[p]
	if counts == nil {
		counts = new(sockets.Counts)
		t.peers[p] = counts
	}
	counts.Add(s.State)
}

// total is the number of all sockets.
func (t *census) total() int {
	n := 0
	for _, counts := range t.protos {
		n += counts.Total()
	}
	return n
}

// ranked are the peers, those with most connections first.
func (t *census) ranked() []peer {
	return slices.SortedFunc(maps.Keys(t.peers), func(a, b peer) int {
		return cmp.Or(t.peers[b].Total()-t.peers[a].Total(), cmp.Compare(a.proto, b.proto),
			a.addr.Compare(b.addr), cmp.Compare(a.port, b.port))
	})
}

func (p peer) String() string {
	if p.to {
		return "to " + netip.AddrPortFrom(p.addr, p.port).String()
	}
	return "from " + p.addr.String() + " at :" + strconv.Itoa(int(p.port))
}

func (c *socketsCommand) runSummary(ctx context.Context) error {
	t, err := c.newCensus(ctx)
	if err != nil {
		return err
	}
	err = c.walk(ctx, func(s *sockets.Socket, _ []sockets.Owner) error {
		t.add(s)
		return nil
	})
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(c.std.out, t.object())
	}
	var b strings.Builder
	t.writeStates(&b)
	t.writePeers(&b, shownPeers)
	width := columnsOf(c.std.out)
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); width > 0 {
			line = fitted(line, width)
		}
		if _, err := fmt.Fprintln(c.std.out, line); err != nil {
			return err
		}
	}
	return nil
}

// shownPeers is how many peers a page shows; JSON has them all.
const shownPeers = 20

// writeStates writes a table of states and protocols.
func (t *census) writeStates(b *strings.Builder) {
	protos := slices.Sorted(maps.Keys(t.protos))
	fmt.Fprintf(b, "%-11s", "State")
	var states sockets.StateSet
	for _, p := range protos {
		fmt.Fprintf(b, " %8s", p)
		for s := range t.protos[p].All() {
			states |= sockets.StatesOf(s)
		}
	}
	b.WriteByte('\n')
	for s := range states.All() {
		fmt.Fprintf(b, "%-11s", stateWord(s))
		for _, p := range protos {
			fmt.Fprintf(b, " %8d", t.protos[p][s])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "%-11s", "total")
	for _, p := range protos {
		fmt.Fprintf(b, " %8d", t.protos[p].Total())
	}
	b.WriteByte('\n')
}

// writePeers writes the most connected peers, with their states.
func (t *census) writePeers(b *strings.Builder, most int) {
	if len(t.peers) == 0 {
		return
	}
	ranked := t.ranked()
	shown := ranked[:min(len(ranked), most)]
	name := len("Connections")
	for _, p := range shown {
		name = max(name, len(p.String()))
	}
	fmt.Fprintf(b, "\n%-5s %-*s %7s  %s\n", "Proto", name, "Connections", "total", "states")
	for _, p := range shown {
		fmt.Fprintf(b, "%-5s %-*s %7d  %s\n", p.proto, name, p, t.peers[p].Total(), stateList(t.peers[p]))
	}
	if more := len(ranked) - len(shown); more > 0 {
		fmt.Fprintf(b, "and %d more\n", more)
	}
}

// fitted cuts what a line has too much.
func fitted(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:max(width-1, 0)]) + "…"
	}
	return line
}

// stateList is such as "ESTAB 2, TIME-WAIT 1".
func stateList(counts *sockets.Counts) string {
	var parts []string
	for s, n := range counts.All() {
		parts = append(parts, fmt.Sprintf("%s %d", stateWord(s), n))
	}
	return strings.Join(parts, ", ")
}

// summaryObject is -s in JSON.
type summaryObject struct {
	Total     int                       `json:"total"`
	Protocols map[string]map[string]int `json:"protocols"`
	Peers     []peerObject              `json:"peers"`
}

type peerObject struct {
	Proto     string         `json:"proto"`
	Direction string         `json:"direction"`
	Address   netip.Addr     `json:"address"`
	Port      uint16         `json:"port"`
	Total     int            `json:"total"`
	States    map[string]int `json:"states"`
}

func (t *census) object() summaryObject {
	o := summaryObject{Total: t.total(), Protocols: t.protocolsObject(), Peers: []peerObject{}}
	for _, p := range t.ranked() {
		direction := "from"
		if p.to {
			direction = "to"
		}
		counts := t.peers[p]
		o.Peers = append(o.Peers, peerObject{p.proto.String(), direction, p.addr, p.port, counts.Total(), statesObject(counts)})
	}
	return o
}

func (t *census) protocolsObject() map[string]map[string]int {
	m := map[string]map[string]int{}
	for p, counts := range t.protos {
		m[p.String()] = statesObject(counts)
	}
	return m
}

func statesObject(counts *sockets.Counts) map[string]int {
	m := map[string]int{}
	for s, n := range counts.All() {
		m[s.String()] = n
	}
	return m
}
