package pool

import (
	"errors"
	"fmt"
	"time"

	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/message"
)

// ErrClosed is what a closed pool answers.
var ErrClosed = errors.New("pool is closed")

// ErrBusy is the answer to a Want that does not wait when it would have to.
var ErrBusy = errors.New("every connection is busy")

func closedFault() error { return fault.New(fault.Acquire, ErrClosed) }

// queueError is the end of a wait in the queue. It says who holds the slots.
type queueError struct {
	cause   error
	origin  message.Origin
	waited  time.Duration
	limit   int
	conns   int // in use
	dialing int
	waiting int // besides this one
	holders []holder
}

// holder is a connection in use.
type holder struct {
	id       uint64
	requests uint32
	held     time.Duration
}

// mostHolders bounds how many of them an error names.
const mostHolders = 4

func (e *queueError) Error() string {
	text := fmt.Sprintf("waited %v for a connection to %s: %d in use", e.waited.Round(time.Millisecond), e.origin, e.conns)
	if e.limit > 0 {
		text += fmt.Sprintf(" (limit %d)", e.limit)
	}
	text += fmt.Sprintf(", %d being dialed, %d others waiting", e.dialing, e.waiting)
	for i, h := range e.holders {
		sep := ", "
		if i == 0 {
			sep = "; held longest: "
		}
		text += fmt.Sprintf("%sconnection %d for %v (request %d on it)", sep, h.id, h.held.Round(time.Millisecond), h.requests)
	}
	return text + ": " + e.cause.Error()
}

func (e *queueError) Unwrap() error { return e.cause }

// Timeout reports whether a deadline ended the wait.
func (e *queueError) Timeout() bool {
	t, ok := errs.As[interface {
		error
		Timeout() bool
	}](e.cause)
	return ok && t.Timeout()
}

// explain describes the queue to one who leaves it.
func (s *state) explain(e *queueError, now int64) {
	e.limit, e.waiting = s.cfg.MaxConnsPerOrigin, s.queue.n
	e.dialing = len(s.dials)
	for c := range s.busy {
		e.conns++
		e.holders = longest(e.holders, holder{c.id, c.requests, max(0, time.Duration(now-c.since))})
	}
}

// longest is all, which is in order, and h, but for what is beyond mostHolders.
func longest(all []holder, h holder) []holder {
	all = append(all, h)
	for i := len(all) - 1; i > 0; i-- {
		if before := &all[i-1]; h.held < before.held || h.held == before.held && h.id > before.id {
			break
		}
		all[i], all[i-1] = all[i-1], h
	}
	return all[:min(len(all), mostHolders)]
}
