// Package lab runs the experiments on persistent connections: the same requests
// by net/http and by sonde, to a real server on loopback, with every connection
// counted by four witnesses that do not know of each other: the client's own
// events, the server's accepts, the kernel's table of sockets, and the SYNs on the
// wire.
//
// What lives here: the experiments, their witnesses and their figures. What does
// not: how they are shown. The programs in examples/ are the same experiments
// without the witnesses, to be read.
package lab

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"
	"time"

	"sonde/sockets"
)

// The defaults of Config.
const (
	DefaultRequests   = 10
	DefaultGoroutines = 10
	DefaultInterval   = 50 * time.Millisecond
)

// Config says how the experiments are run. The zero Config works.
type Config struct {
	// Requests is how many each goroutine sends. 0: DefaultRequests.
	Requests int
	// Goroutines is how many there are in the concurrent experiments. 0:
	// DefaultGoroutines.
	Goroutines int
	// Interval is from one of a goroutine's requests to its next; all goroutines
	// keep the same time. 0: DefaultInterval; negative: none.
	Interval time.Duration
	// Only names the experiments to run, in the order of Experiments whatever
	// theirs is. Empty: all of them.
	Only []string
	// Listen is the server's address. "": each experiment has a port of its own on
	// 127.0.0.1. With an address they share its port, and are told apart by time.
	Listen string
	// Also take part, behind net/http and sonde in each experiment. Nil: nobody.
	Also []Contender
	// Keep leaves connections and servers as each experiment left them until
	// Close, to be looked at.
	Keep bool
	// OnStart is called before each experiment. Nil: nobody.
	OnStart func(experiment, client string)
	// OnRequest is called for each request, by the goroutine that sent it, so by
	// several at once. Nil: nobody.
	OnRequest func(Request)
}

// Request is one request of an experiment, as it is over.
type Request struct {
	Experiment string
	Client     string
	Number     int // of its goroutine, from 1
	Goroutine  int // from 1
	Connection string
	Reused     bool
	Time       time.Duration
	Err        error
}

// Lab runs experiments. It is not safe for concurrent use.
type Lab struct {
	cfg    Config
	todo   []*Experiment
	shared *Server  // with Config.Listen
	kept   []*stage // with Config.Keep
	closed bool
}

// New returns a Lab, which the caller closes. It opens the server when
// Config.Listen asks for one that is shared.
func New(cfg Config) (*Lab, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	l := &Lab{cfg: cfg}
	for _, e := range experiments {
		if len(cfg.Only) == 0 || slices.Contains(cfg.Only, e.Name) {
			l.todo = append(l.todo, e)
		}
	}
	if cfg.Listen != "" {
		s, err := Serve(cfg.Listen)
		if err != nil {
			return nil, err
		}
		l.shared = s
	}
	return l, nil
}

// ErrConfig is in the chain of New's error when a field of Config is wrong.
var ErrConfig = errors.New("wrong setting")

func (cfg *Config) check() error {
	switch {
	case cfg.Requests < 0:
		return fmt.Errorf("%w: %d requests", ErrConfig, cfg.Requests)
	case cfg.Goroutines < 0:
		return fmt.Errorf("%w: %d goroutines", ErrConfig, cfg.Goroutines)
	}
	for _, name := range cfg.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("%w: no experiment is called %q; there are %s", ErrConfig, name, strings.Join(Names(), ", "))
		}
	}
	for n, c := range cfg.Also {
		same := func(other Contender) bool { return other.Name == c.Name }
		if c.Name == "" || c.Open == nil || c.Expect == nil || slices.ContainsFunc(slices.Concat(builtIn, cfg.Also[:n]), same) {
			return fmt.Errorf("%w: contender %q needs a name of its own, Open and Expect", ErrConfig, c.Name)
		}
	}
	if cfg.Listen != "" {
		if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
			return fmt.Errorf("%w: listen: %v (write :8080 or 127.0.0.1:8080)", ErrConfig, err)
		}
	}
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Requests == 0 {
		cfg.Requests = DefaultRequests
	}
	if cfg.Goroutines == 0 {
		cfg.Goroutines = DefaultGoroutines
	}
	switch {
	case cfg.Interval == 0:
		cfg.Interval = DefaultInterval
	case cfg.Interval < 0:
		cfg.Interval = 0
	}
	return cfg
}

// Len is how many results Run yields.
func (l *Lab) Len() int { return len(l.todo) * (len(builtIn) + len(l.cfg.Also)) }

// URL is the address of the shared server, "" if each experiment has its own.
func (l *Lab) URL() string {
	if l.shared == nil {
		return ""
	}
	return l.shared.URL()
}

// Port is the port of the shared server, 0 if each experiment has its own.
func (l *Lab) Port() int {
	if l.shared == nil {
		return 0
	}
	return int(l.shared.Addr().Port())
}

// Run runs the experiments one after another, each by every client, and yields
// what was measured. When ctx ends, or an experiment fails, the last Result holds
// what was measured until then, is marked Partial, and comes with the error.
func (l *Lab) Run(ctx context.Context) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		for _, e := range l.todo {
			for _, c := range slices.Concat(builtIn, l.cfg.Also) {
				if l.cfg.OnStart != nil {
					l.cfg.OnStart(e.Name, c.Name)
				}
				r, err := l.run(ctx, e, c)
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// run is one experiment by one client.
func (l *Lab) run(ctx context.Context, e *Experiment, c Contender) (Result, error) {
	st, err := l.stage(e, c)
	if err != nil {
		return Result{Experiment: e.Name, Client: c.Name, Partial: true}, err
	}
	load := l.load(e, c.Name)
	if b, ok := st.subject.(batch); ok {
		err = b.all(ctx, load, st.server.URL())
	} else {
		err = load.run(ctx, func(ctx context.Context) (Visit, error) { return st.subject.Get(ctx, st.server.URL()) })
	}
	st.settle()
	st.kernel.stop()
	st.wire.stop()
	r := st.result(e, c, load)
	r.Partial = err != nil
	if err == nil && st.kernel.err != nil {
		err = st.kernel.err
	}
	if l.cfg.Keep {
		l.kept = append(l.kept, st)
	} else {
		st.close()
	}
	return r, err
}

// Watch yields the states of the kept connections, every so often until ctx ends
// or the caller has seen enough.
func (l *Lab) Watch(ctx context.Context, every time.Duration) iter.Seq2[sockets.Counts, error] {
	return func(yield func(sockets.Counts, error) bool) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			n, err := l.states(ctx)
			if ctx.Err() != nil || !yield(n, err) || err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// states counts the sockets of the kept experiments.
func (l *Lab) states(ctx context.Context) (sockets.Counts, error) {
	var all sockets.Counts
	for i, st := range l.kept {
		if l.shared != nil && i > 0 {
			break // the first one has seen what was there before any of them
		}
		list, err := sockets.List(ctx, st.kernel.query)
		if err != nil {
			return all, err
		}
		for i := range list {
			if !st.kernel.foreign(&list[i]) {
				all.Add(list[i].State)
			}
		}
	}
	return all, nil
}

// Close closes the connections and servers that are still there.
func (l *Lab) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	for _, st := range l.kept {
		st.close()
	}
	if l.shared != nil {
		return l.shared.Close()
	}
	return nil
}
