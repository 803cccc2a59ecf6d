package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"sonde"
)

// Source is an event stream that a server has. Its zero value but for Request
// works. A Source may be used many times and at once.
type Source struct {
	// Request asks for the stream. Accept and Cache-Control are set unless it
	// does so itself.
	Request *sonde.Request

	// Client sends it. Nil: sonde.Default(). Its Timeouts.BodyIdle is the longest
	// silence of a connection; servers send comments meanwhile.
	Client *sonde.Client

	// LastID is the ID of the last event that was seen before, "" for none.
	LastID string

	// Wait is the time from a connection's end to the next, until the server says
	// another. 0: 3 s.
	Wait time.Duration

	// MaxWait bounds it, what the server says and what failures make of it. 0: 5
	// min.
	MaxWait time.Duration

	// Failures is how many attempts may fail in a row before the loop ends with
	// the last error. 0: 10; negative: no bound.
	Failures int

	Limits Limits

	// Reconnect is called before each wait, with what ended the connection
	// (io.EOF where the server did) or what kept the last attempt from making
	// one. Nil: nobody is told.
	Reconnect func(err error, wait time.Duration)
}

// What ends the events for good.
var (
	// ErrContentType says that the response is no text/event-stream.
	ErrContentType = errors.New("the response is no text/event-stream")
	errOver        = errors.New("no more events")
)

// Events yields the events as they come. When a connection ends, or breaks, it
// waits and asks again, with the ID of the last event (Last-Event-ID). The loop
// ends without an error when the server answers 204.
//
// An error comes last. It is the first attempt's, whatever that is; later that of
// a response that is no event stream, where Failures attempts have failed in a
// row, or the context's. Attempts fail that get no response, or 429, 502, 503 or
// 504. Nothing is left open when the loop ends, by itself or not.
func (s Source) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		r := run{Source: s.filled(), lastID: s.LastID, ctx: ctx}
		r.wait = r.Wait
		for {
			err := r.connection(yield)
			if err == errOver {
				return
			}
			if err = r.pause(err); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

func (s Source) filled() Source {
	if s.Client == nil {
		s.Client = sonde.Default()
	}
	if s.Wait <= 0 {
		s.Wait = 3 * time.Second
	}
	if s.MaxWait <= 0 {
		s.MaxWait = 5 * time.Minute
	}
	if s.Failures == 0 {
		s.Failures = 10
	}
	return s
}

// run is one loop over a Source.
type run struct {
	Source
	ctx      context.Context
	lastID   string
	wait     time.Duration // as the server wants it
	opened   bool          // there was a stream before
	wrong    bool          // the request cannot be sent: an ID may be no field's value
	failures int           // attempts without a stream, in a row
	barren   int           // the same, and streams without an event
}

// connection is one connection, and its events. The error is errOver if there are
// to be no more.
func (r *run) connection(yield func(Event, error) bool) error {
	req := r.request()
	ex, err := r.Client.Open(r.ctx, req)
	if err != nil {
		r.wrong = req.Err() != nil
		r.failures++
		r.barren++
		return err
	}
	defer ex.Close()
	if ex.Status == sonde.StatusNoContent {
		return errOver
	}
	mt, err := ex.Header.MediaType("Content-Type")
	if ex.Status != sonde.StatusOK || err != nil || mt.Type != "text/event-stream" {
		return fmt.Errorf("%w: status %v, Content-Type %q", ErrContentType, ex.Status, ex.Header.Get("Content-Type"))
	}
	r.opened, r.failures = true, 0
	r.barren++
	d := NewDecoder(ex.Body, r.Limits)
	d.id, d.lastID = r.lastID, r.lastID
	for {
		e, err := d.Next()
		r.lastID = d.LastID()
		if d.Retry() >= 0 {
			r.wait = d.Retry()
		}
		if err != nil {
			return err
		}
		if r.barren = 0; !yield(e, nil) {
			return errOver
		}
	}
}

// request is the request of the next connection.
func (r *run) request() *sonde.Request {
	req := r.Request
	if req.Err() != nil {
		return req
	}
	var opts []sonde.Option
	for _, f := range [...][2]string{{"Accept", "text/event-stream"}, {"Cache-Control", "no-store"}} {
		if !req.Header().Has(f[0]) {
			opts = append(opts, sonde.WithHeader(f[0], f[1]))
		}
	}
	if r.lastID != "" {
		opts = append(opts, sonde.WithHeader("Last-Event-ID", r.lastID))
	}
	return req.With(opts...)
}

// pause waits after err has ended a connection. The error is what ends the loop.
func (r *run) pause(err error) error {
	if r.ctx.Err() != nil || !r.opened || r.wrong || final(err) || r.Failures > 0 && r.failures > r.Failures {
		return err
	}
	wait := r.delay()
	if r.Reconnect != nil {
		r.Reconnect(err, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
	}
	err = r.ctx.Err()
	if cause := context.Cause(r.ctx); cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return fmt.Errorf("sse: waiting to ask again: %w", err)
}

// delay is the time until the next connection: what the server wants, and twice
// as much after each one in a row that gave nothing, less up to a half so that
// clients of a server that went down do not come all at once.
func (r *run) delay() time.Duration {
	wait := r.wait
	if r.barren > 0 {
		wait = max(wait, 100*time.Millisecond)
	}
	for range min(r.barren-1, 32) {
		if wait >= r.MaxWait {
			break
		}
		wait *= 2
	}
	wait = min(wait, r.MaxWait)
	if r.barren > 0 {
		wait -= rand.N(wait/2 + 1)
	}
	return wait
}

// final reports whether asking again would not help.
func final(err error) bool {
	if errors.Is(err, io.EOF) {
		return false
	}
	if errors.Is(err, ErrContentType) || errors.Is(err, ErrTooLarge) || errors.Is(err, sonde.ErrClosed) {
		return true
	}
	e, ok := errors.AsType[*sonde.Error](err)
	if !ok {
		return false
	}
	switch e.Op {
	case sonde.OpRequest:
		return e.Attempt > 0 // a body that cannot be sent again; else a middleware's
	case sonde.OpRedirect:
		return true
	case sonde.OpStatus:
		status, ok := errors.AsType[*sonde.StatusError](err)
		return !ok || !temporary(status.Status)
	}
	return false
}

func temporary(s sonde.Status) bool { return s == 429 || s == 502 || s == 503 || s == 504 }
