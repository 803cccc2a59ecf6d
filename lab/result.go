package lab

import (
	"slices"
	"time"

	"sonde/inspect"
	"sonde/sockets"
	"sonde/trace"
)

// Result is what was measured in one experiment with one client.
type Result struct {
	Experiment  string                  `json:"name"`
	Client      string                  `json:"client"`   // NetHTTP, Sonde, or the name of a Contender
	Requests    int                     `json:"requests"` // that were answered, of all goroutines
	Goroutines  int                     `json:"goroutines"`
	Connections Connections             `json:"connections"`
	Reasons     map[trace.Reason]uint64 `json:"reasons"` // why they were opened; empty if the client does not say
	Expected    Expectation             `json:"expected"`
	AsExpected  bool                    `json:"as_expected"` // as far as every witness says
	States      map[sockets.State]int   `json:"states"`      // of the sockets at both ends, when it was over
	Time        Time                    `json:"time_ns"`     // of a request
	Port        int                     `json:"port"`
	// Verdict is what package inspect says of the packets; nil where they cannot be
	// seen.
	Verdict *inspect.Verdict `json:"verdict,omitempty"`
	Partial bool             `json:"partial,omitempty"` // it was interrupted or failed
}

// Connections are how many were opened, as each witness says.
type Connections struct {
	Client int  `json:"client"` // by its own events
	Server int  `json:"server"` // by its accepts
	Kernel *int `json:"kernel"` // by its table of sockets; nil where it cannot be asked
	Wire   *int `json:"wire"`   // by the SYNs on the loopback interface; nil where packets cannot be seen, or some were lost
}

// Agree reports whether the witnesses say the same.
func (c Connections) Agree() bool {
	return c.Client == c.Server && (c.Kernel == nil || *c.Kernel == c.Client) && (c.Wire == nil || *c.Wire == c.Client)
}

// Time is how long requests took, without the pauses between them.
type Time struct {
	Median time.Duration `json:"median"`
	Mean   time.Duration `json:"mean"`
	Max    time.Duration `json:"max"`
}

// TimeWait is the number of sockets that were in TIME_WAIT when it was over.
func (r *Result) TimeWait() int { return r.States[sockets.TimeWait] }

// result gathers what the witnesses say, once they have been stopped.
func (st *stage) result(e *Experiment, c Contender, d *load) Result {
	told := st.subject.Account()
	r := Result{
		Experiment: e.Name, Client: d.client, Goroutines: d.goroutines, Requests: len(d.times),
		Connections: Connections{Client: told.Opened, Server: st.server.Accepted() - st.accepted},
		Reasons:     told.Reasons.Map(),
		States:      map[sockets.State]int{},
		Expected:    c.Expect(e.Name, d.requests*d.goroutines, d.goroutines),
		Time:        timeOf(d.times),
		Port:        int(st.server.Addr().Port()),
	}
	r.Connections.Wire, r.Verdict = st.wire.count(), st.wire.verdict()
	if !st.kernel.missing() && st.kernel.err == nil {
		seen := len(st.kernel.seen)
		r.Connections.Kernel = &seen
		for state, n := range st.kernel.states.All() {
			r.States[state] = n
		}
	}
	r.AsExpected = r.Expected.Met(told.Opened) && r.Connections.Agree()
	return r
}

func timeOf(times []time.Duration) Time {
	if len(times) == 0 {
		return Time{}
	}
	sorted := slices.Sorted(slices.Values(times))
	var sum time.Duration
	for _, t := range sorted {
		sum += t
	}
	n := len(sorted)
	return Time{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Mean:   sum / time.Duration(n),
		Max:    sorted[n-1],
	}
}

// Report is the experiments as JSON: {"experiments": […]}.
type Report struct {
	Experiments []Result `json:"experiments"`
	Interval    string   `json:"interval"` // between a goroutine's requests
	Interrupted bool     `json:"interrupted,omitempty"`
}
