package lab

import (
	"context"

	"sonde/trace"
)

// Subject is a client under experiment, with its own account of what it did.
type Subject interface {
	// Get is one request, written as the experiment wants it. It is called by
	// several goroutines at once, and returns when the response is over.
	Get(ctx context.Context, url string) (Visit, error)
	// Account is what the client's own events say. It may be called at any time.
	Account() Account
	// Close ends all of the client's connections.
	Close()
}

// Visit is one request, as its client saw it.
type Visit struct {
	Connection string // the address of the client's end
	Reused     bool   // it had carried a request before
}

// Account is a client's own account of its connections.
type Account struct {
	Opened  int
	Dialing int           // under way
	Reasons trace.Reasons // why they were opened; all zero for a client that does not say
}

// Contender is a client that takes part in the experiments: those of other
// libraries and tools by Config.Also.
type Contender struct {
	Name string
	// Open makes the client for one experiment, by its name. The Lab closes it.
	Open func(experiment string, goroutines int) (Subject, error)
	// Expect is how many connections it should open, for so many requests of all
	// goroutines together.
	Expect func(experiment string, requests, goroutines int) Expectation
}

// batch is a Subject that sends all requests of an experiment by itself.
type batch interface {
	all(ctx context.Context, d *load, url string) error
}
