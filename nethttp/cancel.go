//lint:file-ignore SA1019 Request.Cancel still counts

package nethttp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

var (
	errCanceled        = errors.New("net/http: request canceled")
	errCanceledWaiting = errors.New("net/http: request canceled while waiting for connection")
	errOver            = errors.New("nethttp: the request is over")
)

// flight is a request under way, and its context: that of the request, which
// CancelRequest and Request.Cancel can end as well. Most requests are over before
// anybody waits for either: what that takes is made when somebody does.
type flight struct {
	context.Context // the request's
	req             *http.Request
	inner           atomic.Pointer[inner]
	over            atomic.Bool
	canceled        atomic.Bool // by CancelRequest or Request.Cancel

	list       *bodies // where it is; nil: nowhere
	prev, next *flight // there
}

// inner is a context that can be cancelled.
type inner struct {
	context.Context
	cancel context.CancelCauseFunc
}

// derive makes it, once.
func (f *flight) derive() *inner {
	if in := f.inner.Load(); in != nil {
		return in
	}
	in := new(inner)
	in.Context, in.cancel = context.WithCancelCause(f.Context)
	if !f.inner.CompareAndSwap(nil, in) {
		in.cancel(errOver)
		return f.inner.Load()
	}
	if f.over.Load() {
		in.cancel(errOver)
	}
	return in
}

// Done is closed when the flight is cancelled.
func (f *flight) Done() <-chan struct{} { return f.derive().Done() }

// Err is why Done is closed, if it is.
func (f *flight) Err() error {
	if in := f.inner.Load(); in != nil {
		return in.Err()
	}
	return f.Context.Err()
}

// Value is the request's, but for what package context asks of itself.
func (f *flight) Value(key any) any {
	if in := f.inner.Load(); in != nil {
		return in.Value(key)
	}
	return f.Context.Value(key)
}

// CallOver takes f from the list, and lets go of what waits for its end. It may
// come more than once.
func (f *flight) CallOver() {
	if f.over.Swap(true) {
		return
	}
	if f.list != nil {
		f.list.remove(f)
	}
	if in := f.inner.Load(); in != nil {
		in.cancel(errOver)
	}
}

// settling is how long a request whose time is over waits for Request.Cancel.
const settling = 10 * time.Millisecond

// ended is why f was cancelled, nil if it was not. An http.Client with a Timeout
// ends both the context and Request.Cancel at that time, in any order; it names
// Client.Timeout in its error only if it has come to the latter.
func (f *flight) ended() error {
	switch err := f.Context.Err(); {
	case err == context.DeadlineExceeded && f.req.Cancel != nil:
		timer := time.NewTimer(settling)
		defer timer.Stop()
		select {
		case <-f.req.Cancel:
		case <-timer.C:
		}
		return context.Cause(f.Context)
	case err != nil:
		return context.Cause(f.Context)
	case !f.canceled.Load():
		return nil
	}
	if end, ok := f.Context.Deadline(); ok && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return errCanceled
}

// abort cancels f.
func (f *flight) abort() {
	f.canceled.Store(true)
	f.derive().cancel(errCanceled)
}

// await turns the end of Request.Cancel into that of f.
func (f *flight) await(cancel <-chan struct{}) {
	select {
	case <-cancel:
		f.abort()
	case <-f.Done():
	}
}

// begin is the flight of req, known by orig, which the caller gave. The response is
// no part of it: what the client below keeps of a body must not reach the body, or
// its loss would not be noticed.
func (c *trip) begin(req, orig *http.Request) *flight {
	f := &flight{Context: req.Context(), req: orig}
	c.flight.Store(f)
	if req.Cancel != nil {
		go f.await(req.Cancel)
	}
	return f
}

// flights finds requests under way, which hardly anybody asks for: what a request
// pays is one word written to the trip that carries it, and for a body that is still
// on the wire its entry in a list. With a lock for each request it was 300 ns.
type flights struct {
	trips  sync.Pool // those at rest
	mu     sync.Mutex
	all    []weak.Pointer[trip] // all that there are; guarded by mu
	more   int                  // the length at which all is looked through
	bodies bodies
}

// trip is one at rest, or a new one.
func (l *flights) trip() *trip {
	if c, ok := l.trips.Get().(*trip); ok {
		return c
	}
	c := new(trip)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) >= l.more {
		l.all = slices.DeleteFunc(l.all, func(w weak.Pointer[trip]) bool { return w.Value() == nil })
		l.more = max(64, 2*len(l.all))
	}
	l.all = append(l.all, weak.Make(c))
	return c
}

// of are the flights of req.
func (l *flights) of(req *http.Request) (found []*flight) {
	l.mu.Lock()
	for _, w := range l.all {
		if c := w.Value(); c != nil {
			if f := c.flight.Load(); f != nil && f.req == req {
				found = append(found, f)
			}
		}
	}
	l.mu.Unlock()
	// After the trips: a flight is listed here before its trip lets go of it.
	return l.bodies.of(req, found)
}

// bodies are the flights whose response's head is there and whose body is not.
type bodies struct {
	mu    sync.Mutex
	first *flight
}

func (l *bodies) add(f *flight) {
	f.list = l
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.next = l.first; f.next != nil {
		f.next.prev = f
	}
	l.first = f
}

func (l *bodies) remove(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		l.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
}

func (l *bodies) of(req *http.Request, found []*flight) []*flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := l.first; f != nil; f = f.next {
		if f.req == req {
			found = append(found, f)
		}
	}
	return found
}

// CancelRequest ends the request, whether its response's head is there or not.
//
// Deprecated: net/http has deprecated it in favour of a context.
func (t *Transport) CancelRequest(req *http.Request) {
	for _, f := range t.flights.of(req) {
		f.abort()
	}
}
