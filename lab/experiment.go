package lab

import (
	"slices"
	"strconv"
)

// The clients that are compared.
const (
	NetHTTP = "net/http"
	Sonde   = "sonde"
)

// builtIn are the clients that always take part.
var builtIn = []Contender{contender(NetHTTP), contender(Sonde)}

// contender is a client of the table of experiments.
func contender(client string) Contender {
	return Contender{
		Name: client,
		Open: func(name string, goroutines int) (Subject, error) {
			return experimentOf(name).subject[client](goroutines)
		},
		Expect: func(name string, requests, goroutines int) Expectation {
			return experimentOf(name).expect[client](requests, goroutines)
		},
	}
}

func experimentOf(name string) *Experiment {
	return experiments[slices.IndexFunc(experiments, func(e *Experiment) bool { return e.Name == name })]
}

// Experiment is what is done, and what it teaches. Connections are what is
// counted.
type Experiment struct {
	Name       string
	About      string // what is done
	Lesson     string // what it shows, in a line
	Otherwise  string // why there may be more or fewer connections than expected
	Concurrent bool

	subject map[string]func(goroutines int) (Subject, error)
	expect  map[string]func(requests, goroutines int) Expectation
}

// Expectation is how many connections theory gives.
type Expectation struct {
	Min int
	Max int // 0: no bound
}

// Met reports whether n connections are as expected.
func (e Expectation) Met(n int) bool { return n >= e.Min && (e.Max == 0 || n <= e.Max) }

// String is such as "10", "≤ 10" or "> 10".
func (e Expectation) String() string {
	switch {
	case e.Max == 0:
		return "> " + strconv.Itoa(e.Min-1)
	case e.Min == e.Max:
		return strconv.Itoa(e.Max)
	}
	return "≤ " + strconv.Itoa(e.Max)
}

// MarshalText gives String.
func (e Expectation) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

func one(_, _ int) Expectation                       { return Expectation{1, 1} }
func oneForEach(requests, _ int) Expectation         { return Expectation{requests, requests} }
func atMostGoroutines(_, goroutines int) Expectation { return Expectation{1, goroutines} }
func justGoroutines(_, goroutines int) Expectation   { return Expectation{goroutines, goroutines} }

// overGoroutines is what comes of goroutines that share a pool which keeps two
// connections: nothing to see when they are no more than that, or send only once.
func overGoroutines(requests, goroutines int) Expectation {
	if goroutines <= 2 || requests <= goroutines {
		return atMostGoroutines(requests, goroutines)
	}
	return Expectation{Min: goroutines + 1}
}

// Experiments returns what there is to run, in order.
func Experiments() []Experiment {
	all := make([]Experiment, len(experiments))
	for i, e := range experiments {
		all[i] = *e
	}
	return all
}

// Names returns the names of the experiments, in order.
func Names() []string {
	names := make([]string, len(experiments))
	for i, e := range experiments {
		names[i] = e.Name
	}
	return names
}

type (
	subjects     = map[string]func(goroutines int) (Subject, error)
	expectations = map[string]func(requests, goroutines int) Expectation
)

var experiments = []*Experiment{{
	Name:    "sequential-undrained",
	About:   "One request after another; the body is neither read nor closed.",
	Lesson:  "In net/http a forgotten body keeps its connection; sonde forgets none.",
	subject: subjects{NetHTTP: netHTTPUndrained, Sonde: sondeDefault},
	expect:  expectations{NetHTTP: oneForEach, Sonde: one},
}, {
	Name:    "sequential-drained",
	About:   "One request after another; the body is read to its end and closed.",
	Lesson:  "A response read to its end gives its connection back: one serves all.",
	subject: subjects{NetHTTP: netHTTPDrained, Sonde: sondeDefault},
	expect:  expectations{NetHTTP: one, Sonde: one},
}, {
	Name:       "concurrent-default",
	About:      "Goroutines that send at the same time, with default settings.",
	Lesson:     "net/http keeps 2 idle per host and closes the rest; sonde keeps them.",
	Otherwise:  "without pauses connections are hardly ever idle, and few are closed.",
	Concurrent: true,
	subject:    subjects{NetHTTP: netHTTPDrained, Sonde: sondeDefault},
	expect:     expectations{NetHTTP: overGoroutines, Sonde: atMostGoroutines},
}, {
	Name:   "concurrent-tuned",
	About:  "The same, with the pool sized to the number of goroutines.",
	Lesson: "With room in the pool for every goroutine, net/http reuses them too.",
	Otherwise: "fewer when a goroutine was done before another began; more without pauses, " +
		"because net/http goes on dialing for a request that an idle connection has served.",
	Concurrent: true,
	subject:    subjects{NetHTTP: netHTTPTuned, Sonde: sondeTuned},
	expect:     expectations{NetHTTP: justGoroutines, Sonde: atMostGoroutines},
}, {
	Name:    "connection-each",
	About:   "One request after another, each on a connection of its own.",
	Lesson:  "Each request pays for a handshake and leaves a TIME_WAIT for a minute.",
	subject: subjects{NetHTTP: netHTTPOneShot, Sonde: sondeOneShot},
	expect:  expectations{NetHTTP: oneForEach, Sonde: oneForEach},
}}
