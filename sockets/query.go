package sockets

import "fmt"

// Query says which sockets are wanted and what about them. The zero Query asks
// for every TCP socket of both families with its addresses, state and queues.
// It is a value that may be reused and shared.
type Query struct {
	Proto  Proto    // zero: TCP
	Family Family   // zero: both; ignored for Unix
	States StateSet // zero: every state
	Filter Filter   // zero: none
	Detail Detail   // zero: none
}

// Detail is a set of things that cost more than the rest and come only when
// asked for.
type Detail uint8

// The details.
const (
	DetailInfo       Detail = 1 << iota // TCP_INFO
	DetailMemory                        // Socket.Memory
	DetailCongestion                    // the name of the congestion control
	DetailTOS                           // Socket.TOS and TrafficClass
	DetailShutdown                      // Socket.Shutdown
	DetailOwner                         // the process; Owners.Refresh tells why none are known

	DetailAll = DetailInfo | DetailMemory | DetailCongestion | DetailTOS | DetailShutdown | DetailOwner
)

// plan is a checked Query with its defaults filled in.
type plan struct {
	Query
	code []byte // the filter for the kernel; nil is none
	// local means that the filter has to be applied here: the kernel has none
	// for this kind of socket, or the program would be too long.
	local bool
}

func (q Query) plan() (*plan, error) {
	p := &plan{Query: q}
	if p.Proto == 0 {
		p.Proto = TCP
	}
	if p.Proto > Unix {
		return nil, fmt.Errorf("sockets: no such protocol: %d", p.Proto)
	}
	switch p.Family {
	case 0, IPv4, IPv6:
	default:
		return nil, fmt.Errorf("sockets: no such family: %d", p.Family)
	}
	p.States = p.States.orEvery()
	if p.Filter.root == nil {
		return p, nil
	}
	var err error
	if p.Proto != Unix {
		p.code, err = p.Filter.Bytecode()
	}
	p.local = p.code == nil || err != nil
	return p, nil
}

// wants applies the whole query to a socket, for sources that have no filter.
func (p *plan) wants(s *Socket) bool {
	if p.Proto != Unix && p.Family != 0 && p.Family != s.Family {
		return false
	}
	return p.States.Has(s.State) && p.Filter.Match(s)
}
