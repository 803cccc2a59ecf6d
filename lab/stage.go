package lab

import "time"

// stage is where one client runs one experiment: a server, the client, and the
// witnesses.
type stage struct {
	server   *Server
	shared   bool
	subject  Subject
	kernel   *kernel
	wire     *wire
	accepted int // by the server before
}

// stage prepares an experiment.
func (l *Lab) stage(e *Experiment, c Contender) (*stage, error) {
	st := &stage{server: l.shared, shared: l.shared != nil}
	var err error
	if !st.shared {
		if st.server, err = Serve(""); err != nil {
			return nil, err
		}
	}
	if st.subject, err = c.Open(e.Name, l.cfg.Goroutines); err != nil {
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
		a := st.subject.Account()
		now := view{a.Opened, st.server.Accepted(), st.kernel.look()}
		if quiet++; now != last || a.Dialing > 0 {
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
	st.subject.Close()
	if !st.shared {
		st.server.Close()
	}
}
