//lint:file-ignore SA1019 Request.Cancel still counts

package nethttp

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
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

	shard      *shard
	prev, next *flight // in the shard
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
	f.shard.remove(f)
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

// flights are the requests under way.
type flights struct{ shards [16]shard }

type shard struct {
	mu    sync.Mutex
	first *flight
	_     [48]byte // a cache line each
}

func (l *flights) shard(req *http.Request) *shard {
	p := uintptr(unsafe.Pointer(req))
	return &l.shards[(p>>6^p>>10)%uintptr(len(l.shards))]
}

// begin is a new flight of req, known by orig, which the caller gave.
func (l *flights) begin(req, orig *http.Request) *flight {
	s := l.shard(orig)
	f := &flight{Context: req.Context(), req: orig, shard: s}
	s.mu.Lock()
	if f.next = s.first; f.next != nil {
		f.next.prev = f
	}
	s.first = f
	s.mu.Unlock()
	if req.Cancel != nil {
		go f.await(req.Cancel)
	}
	return f
}

func (s *shard) remove(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		s.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
}

// CancelRequest ends the request, whether its response's head is there or not.
//
// Deprecated: net/http has deprecated it in favour of a context.
func (t *Transport) CancelRequest(req *http.Request) {
	s := t.flights.shard(req)
	var found []*flight
	s.mu.Lock()
	for f := s.first; f != nil; f = f.next {
		if f.req == req {
			found = append(found, f)
		}
	}
	s.mu.Unlock()
	for _, f := range found {
		f.abort()
	}
}
