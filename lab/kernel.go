package lab

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"sonde/sockets"
)

// kernel is the witness that asks the kernel for the connections to one server.
//
// It looks again and again while an experiment runs and remembers every pair of
// addresses, so that a connection counts that has come and gone, TIME_WAIT and
// all. What was there when it began belongs to somebody else. A pair that the
// kernel gives out a second time within one experiment counts once; that takes
// more connections than there are ephemeral ports.
type kernel struct {
	server netip.AddrPort
	query  sockets.Query
	err    error // why it ended

	mu     sync.Mutex
	table  *sockets.Table
	before map[netip.AddrPort]sockets.State // by the client's address
	seen   map[netip.AddrPort]bool
	states sockets.Counts

	quit chan struct{}
	done chan struct{}
}

const (
	lookEvery = 20 * time.Millisecond
	lookShare = 20 // a look takes at most one part in so many of the time
)

// ofServer selects the sockets at both ends of the connections to server.
func ofServer(server netip.AddrPort) sockets.Filter {
	host := netip.PrefixFrom(server.Addr(), server.Addr().BitLen())
	return sockets.Or(
		sockets.And(sockets.LocalPort(server.Port()), sockets.LocalPrefix(host)),
		sockets.And(sockets.RemotePort(server.Port()), sockets.RemotePrefix(host)),
	)
}

// watchKernel starts the witness.
func watchKernel(server netip.AddrPort) *kernel {
	k := &kernel{
		server: server,
		query:  sockets.Query{States: sockets.SynchronizedStates, Filter: ofServer(server)},
		before: map[netip.AddrPort]sockets.State{},
		seen:   map[netip.AddrPort]bool{},
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	switch k.table, k.err = sockets.Open(sockets.Config{}); {
	case k.err == nil:
		k.err = k.remember()
	case errors.Is(k.err, errors.ErrUnsupported):
		k.err = nil // Connections.Kernel says it
	}
	go k.run()
	return k
}

// missing reports whether this system has no such witness.
func (k *kernel) missing() bool { return k.table == nil }

func (k *kernel) run() {
	defer close(k.done)
	if k.missing() || k.err != nil {
		return
	}
	wait := time.NewTimer(lookEvery)
	defer wait.Stop()
	for {
		select {
		case <-k.quit:
			return
		case <-wait.C:
		}
		start := time.Now()
		k.look()
		wait.Reset(max(lookEvery, lookShare*time.Since(start)))
	}
}

// remember notes what is there before the experiment.
func (k *kernel) remember() error {
	for s, err := range k.table.All(context.Background(), k.query) {
		if err != nil {
			return err
		}
		k.before[k.client(s)] = s.State
	}
	return nil
}

// client is the client's address, whichever end s is.
func (k *kernel) client(s *sockets.Socket) netip.AddrPort {
	if s.Local == k.server {
		return s.Remote
	}
	return s.Local
}

// foreign reports whether s was there before: it is somebody else's, such as what is
// left of a connection to the server that had this port before. A pair that
// was in TIME_WAIT and is used again is not.
func (k *kernel) foreign(s *sockets.Socket) bool {
	old, there := k.before[k.client(s)]
	return there && (old != sockets.TimeWait || s.State == sockets.TimeWait)
}

// look counts once, and returns how many connections were seen until now.
func (k *kernel) look() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.missing() || k.err != nil {
		return 0
	}
	var states sockets.Counts
	for s, err := range k.table.All(context.Background(), k.query) {
		if err != nil {
			k.err = err
			return 0
		}
		if k.foreign(s) {
			continue
		}
		client := k.client(s)
		delete(k.before, client)
		k.seen[client] = true
		states.Add(s.State)
	}
	k.states = states
	return len(k.seen)
}

// stop looks for the last time. What was seen stays; nothing changes it any more.
func (k *kernel) stop() {
	select {
	case <-k.quit:
		return
	default:
	}
	close(k.quit)
	<-k.done
	if k.table != nil {
		k.look()
		k.table.Close()
	}
}
