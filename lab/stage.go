package lab

import (
	"context"
	"time"
)

// stage is where one client runs one experiment: a server, the client, and the
// witnesses.
type stage struct {
	server   *Server
	shared   bool
	subject  subject
	kernel   *kernel
	wire     *wire
	accepted int // by the server before
}

// stage prepares an experiment.
func (l *Lab) stage(ctx context.Context, e *Experiment, client string) (*stage, error) {
	st := &stage{server: l.shared, shared: l.shared != nil}
	var err error
	if !st.shared {
		if st.server, err = Serve(""); err != nil {
			return nil, err
		}
	}
	if st.subject, err = e.subject[client](l.cfg.Goroutines); err != nil {
		if !st.shared {
			st.server.Close()
		}
		return nil, err
	}
	st.accepted = st.server.Accepted()
	st.kernel = watchKernel(st.server.Addr())
	st.wire = watchWire(st.server.Addr())
	return st, nil
}

// The end of an experiment is when the witnesses have told the same for a while:
// a connection may still be under way that no request needs any more, and a
// closed one may not have been closed by the other side.
const (
	settleEvery = 10 * time.Millisecond
	settleQuiet = 5
	settleLooks = 100
)

func (st *stage) settle() {
	type view struct{ client, server, kernel int }
	var last view
	for quiet, looks := 0, 0; quiet < settleQuiet && looks < settleLooks; looks++ {
		a := st.subject.account()
		now := view{a.opened, st.server.Accepted(), st.kernel.look()}
		if quiet++; now != last || a.dialing > 0 {
			quiet = 0
		}
		last = now
		time.Sleep(settleEvery)
	}
}

// close ends everything that the experiment has opened.
func (st *stage) close() {
	st.kernel.stop()
	st.wire.stop()
	st.subject.close()
	if !st.shared {
		st.server.Close()
	}
}
