package lab

import (
	"context"

	"sonde/trace"
)

// subject is a client under experiment, with its own account of what it did.
type subject interface {
	// get is one request, written as the experiment wants it. It is called by
	// several goroutines at once.
	get(ctx context.Context, url string) (visit, error)
	// account is what the client's own events say.
	account() account
	// close ends all of the client's connections.
	close()
}

// visit is one request, as its client saw it.
type visit struct {
	local  string // address of the connection
	reused bool
}

// account is a client's own account.
type account struct {
	opened  int // connections
	dialing int // connections under way
	reasons trace.Reasons
}
