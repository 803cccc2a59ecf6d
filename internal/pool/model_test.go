package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/message"
	"sonde/trace"
)

// wild is a dialer that takes its time and sometimes fails.
type wild struct {
	fakeDialer
	refused error
}

func (d *wild) Dial(ctx context.Context, r message.Route, why trace.Reason, log *event.Log) (Link, error) {
	if n := rand.IntN(10); n < 3 {
		select {
		case <-time.After(time.Duration(rand.IntN(2000)) * time.Microsecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	} else if n == 9 {
		return nil, d.refused
	}
	return d.fakeDialer.Dial(ctx, r, why, log)
}

// Many goroutines do everything at once. Nothing is lost, no slot leaks, no limit
// is passed, everybody is served or told why not.
func TestModel(t *testing.T) {
	for _, row := range []struct {
		name  string
		cfg   Config
		slots int
	}{
		{"limit of connections", Config{MaxConnsPerOrigin: 4}, 1},
		{"no limits", Config{}, 1},
		{"all limits", Config{MaxConnsPerOrigin: 5, MaxIdle: 6, MaxIdlePerOrigin: 3,
			IdleTimeout: 20 * time.Millisecond, MaxAge: 50 * time.Millisecond, CheckAfter: time.Millisecond}, 1},
		{"shared", Config{MaxConnsPerOrigin: 3, MaxIdle: 4, IdleTimeout: 20 * time.Millisecond}, 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, stop := range []bool{false, true} {
				m := &model{T: t, cfg: row.cfg, slots: row.slots}
				m.run(stop)
			}
		})
	}
}

type model struct {
	*testing.T
	cfg     Config
	slots   int
	p       *Pool
	tape    tape
	dialers [4]wild
	closing atomic.Bool
	served  atomic.Int64
	failed  atomic.Int64
}

func (m *model) run(stop bool) {
	m.cfg.Sink, m.cfg.DialTimeout = &m.tape, time.Second
	m.p = New(m.cfg)
	for i := range m.dialers {
		m.dialers[i].slots = m.slots
		m.dialers[i].refused = errors.New("refused")
	}
	users, rounds := 64, 150
	if testing.Short() {
		rounds = 40
	}
	var wg sync.WaitGroup
	for range users {
		wg.Go(func() {
			for range rounds {
				m.once()
			}
		})
	}
	if stop {
		time.Sleep(20 * time.Millisecond)
		m.closing.Store(true)
		m.p.Close()
	}
	wg.Wait()
	m.settled()
	m.p.Close()
	m.empty()
	if m.served.Load() == 0 {
		m.Error("nobody was served")
	}
}

func (m *model) once() {
	if rand.IntN(20) == 0 {
		m.verify()
	}
	i := rand.IntN(len(m.dialers))
	w := &Want{
		Route: route(fmt.Sprint(i)), Dialer: &m.dialers[i],
		Log:     &event.Log{Sink: &m.tape, Call: 1},
		OneShot: rand.IntN(10) == 0, Check: rand.IntN(5) == 0, NoWait: rand.IntN(10) == 0,
		Linger: rand.IntN(3) == 0, Now: clock.Now(),
	}
	if rand.IntN(10) == 0 {
		w.Until = clock.Now() + rand.Int64N(3e6)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if rand.IntN(5) == 0 {
		timer := time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, cancel)
		defer timer.Stop()
	}
	got, err := m.p.Acquire(ctx, w)
	if err != nil {
		m.failed.Add(1)
		switch {
		case errors.Is(err, m.dialers[i].refused), errors.Is(err, context.Canceled),
			w.NoWait && errors.Is(err, ErrBusy), w.Until != 0 && errors.Is(err, os.ErrDeadlineExceeded),
			m.closing.Load() && errors.Is(err, ErrClosed):
		default:
			m.Errorf("unexpected: %v", err)
		}
		return
	}
	m.served.Add(1)
	m.use(got, w)
}

// use holds the connection for a moment, looks whether it is really ours, and
// ends the exchange in some way.
func (m *model) use(got Got, w *Want) {
	l := got.Conn.link.(*fakeLink)
	if n := l.users.Add(1); n > int32(m.slots) || got.Conn.own && n > 1 {
		m.Errorf("%d exchanges on one connection", n)
	}
	if l.dialer != &m.dialers[int(w.Route.Host[0]-'0')].fakeDialer {
		m.Error("a connection of another route")
	}
	if w.Check && got.Reused && got.Idle > 0 && m.slots == 1 && l.dead.Load() != 0 {
		m.Error("a dead connection although it was to be checked")
	}
	if l.ended.Load() != 0 && !m.closing.Load() {
		m.Errorf("a connection that has ended: %v", l.why())
	}
	if rand.IntN(3) == 0 {
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
	}
	log := w.Log
	dead := l.dead.Load() != 0
	last := l.users.Add(-1) == 0
	switch n := rand.IntN(20); {
	case dead:
		m.p.Release(got.Conn, trace.ServerClosedInUse, 0, 0, log)
	case n == 0:
		m.p.Release(got.Conn, trace.ServerAsked, 0, 0, log)
	case n == 1 && m.slots == 1:
		m.p.Detach(got.Conn, trace.Upgraded, log)
		if l.ended.CompareAndSwap(0, int32(trace.Upgraded)) { // otherwise Close was earlier
			l.dialer.live.Add(-1)
		}
	case n < 4 && last && m.slots == 1: // dies while it is idle
		l.dead.Store(int32(trace.ServerClosed))
		m.p.Release(got.Conn, trace.NoReason, 0, 0, log)
	default:
		m.p.Release(got.Conn, trace.NoReason, time.Duration(rand.IntN(2))*time.Second, 0, log)
	}
}

// verify checks what must hold whenever a lock is free.
func (m *model) verify() {
	for _, pl := range m.p.list() {
		pl.mu.Lock()
		m.verifyLocked(&pl.state)
		pl.mu.Unlock()
	}
}

func (m *model) verifyLocked(s *state) {
	if limit := m.cfg.MaxConnsPerOrigin; limit > 0 && m.slots == 1 && s.counted() > limit {
		m.Errorf("%d connections, the limit is %d", s.counted(), limit)
	}
	if s.queue.shared() > 0 && (s.lists[idle].n > 0 || s.lists[part].n > 0) {
		m.Error("one waits while there is a free slot")
	}
	if s.room() && (s.short() || s.queue.owns > 0) {
		m.Error("one waits without a dial while there is room")
	}
	coming, orphans, spares := 0, 0, 0
	for i, d := range s.dials {
		if d.at != i || d.starter != nil && d.starter.dial != d {
			m.Error("a dial is not linked well")
		}
		if !d.direct && !d.dropped {
			coming++
		}
		if d.orphan {
			orphans++
		}
		if d.spare {
			spares++
		}
		if d.spare && (d.orphan || d.starter != nil || d.dropped) {
			m.Error("a spare dial is somebody's")
		}
	}
	if coming != s.coming || orphans != s.orphans || spares != s.spares {
		m.Errorf("%d dials coming, %d orphans, %d spares; counted %d, %d, %d", coming, orphans, spares, s.coming, s.orphans, s.spares)
	}
	in := [nLists]int{}
	for i, c := range s.conns {
		if in[c.list]++; int(c.at) != i {
			m.Error("a connection is not where it says")
		}
	}
	for name := idle; name < nLists; name++ {
		if in[name] != s.lists[name].n {
			m.Errorf("%d connections in list %d, counted %d", in[name], name, s.lists[name].n)
		}
		if name == full {
			continue
		}
		n, last := 0, (*Conn)(nil)
		for c := s.lists[name].first; c != nil; last, c = c, c.next {
			if n++; c.list != name || c.prev != last || name == idle && (c.active > 0 || last != nil && last.since < c.since) {
				m.Error("a connection is in the wrong list or at the wrong place")
			}
		}
		if n != s.lists[name].n || s.lists[name].last != last {
			m.Errorf("list %d has %d connections, counted %d", name, n, s.lists[name].n)
		}
	}
}

// settled checks the pool when nobody uses it any more.
func (m *model) settled() {
	var st Stats
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if st = m.p.Stats(); st.Active+st.Dialing+st.Waiting == 0 {
			break
		}
	}
	if st.Active+st.Dialing+st.Waiting != 0 {
		m.Errorf("left over: %+v", st)
	}
	for i := range m.dialers {
		d := &m.dialers[i]
		if limit := m.cfg.MaxConnsPerOrigin; limit > 0 && m.slots == 1 && int(d.most.Load()) > limit && !m.closing.Load() {
			// A detached one ends a moment after the pool forgot it.
			if int(d.most.Load()) > limit+int(st.Reasons[trace.Upgraded]) {
				m.Errorf("%d connections at once, the limit is %d", d.most.Load(), limit)
			}
		}
	}
	if limit := m.cfg.MaxIdle; limit > 0 && st.Idle > limit {
		m.Errorf("%d idle connections, the limit is %d", st.Idle, limit)
	}
	for _, pl := range m.p.list() {
		pl.mu.Lock()
		s := &pl.state
		if s.coming != 0 || s.direct != 0 || s.orphans != 0 || s.spares != 0 || s.leaving != 0 || len(s.dials) != 0 || s.queue.first != nil {
			m.Errorf("left over: %+v", s)
		}
		if limit := m.cfg.MaxIdlePerOrigin; limit > 0 && s.lists[idle].n > limit {
			m.Errorf("%d idle connections of one route", s.lists[idle].n)
		}
		pl.mu.Unlock()
	}
}

// empty checks it after Close.
func (m *model) empty() {
	for i := range m.dialers {
		if n := m.dialers[i].live.Load(); n != 0 {
			m.Errorf("%d links live on", n)
		}
	}
	st := m.p.Stats()
	opened, ended := m.tape.reasons(trace.ConnOpened), m.tape.reasons(trace.ConnClosed)
	if st.Opened != st.Closed || uint64(len(opened)) != st.Opened || uint64(len(ended)) != st.Closed {
		m.Errorf("opened %d closed %d, events %d and %d", st.Opened, st.Closed, len(opened), len(ended))
	}
	seen := make(map[uint64]int)
	for _, e := range m.tape.events {
		if e.Kind == trace.ConnClosed {
			if seen[e.Conn]++; seen[e.Conn] > 1 || !e.Reason.Ends() {
				m.Errorf("connection %d ended %d times, %v", e.Conn, seen[e.Conn], e.Reason)
			}
		}
	}
	m.Logf("served %d, failed %d; %+v %v", m.served.Load(), m.failed.Load(), st.Hits, st.Reasons.Map())
}
