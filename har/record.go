package har

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"sonde"
	"sonde/trace"
)

// record is a call under way. Hooks may come from several goroutines, and after
// the call's end: a dial can outlive it.
type record struct {
	r       *Recorder
	req     *sonde.Request
	started time.Time
	sent    *kept // of the request's body; nil: not asked for

	mu     sync.Mutex
	over   bool
	events []trace.Event
	fields map[int][]pair // of each attempt, as they were sent
	last   int            // the attempt that began last

	// Of the response, once its head has come.
	head *sonde.Head
	conn sonde.ConnInfo
	got  *kept
}

// Middleware is a sonde.Middleware. It records each call when it ends, which is
// when its response's body was read to the end, or closed.
func (r *Recorder) Middleware(next sonde.Handler) sonde.Handler {
	return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		if req == nil {
			return next(ctx, req)
		}
		c := &record{r: r, req: req, started: time.Now()}
		if r.cfg.RequestBodies {
			c.sent = &kept{most: r.cfg.MaxBody}
			req = req.With(sonde.WithBody(req.Body().Tap(func() io.Writer {
				c.sent.reset()
				return c.sent
			})))
		}
		ctx = trace.With(ctx, &trace.Hooks{Event: c.event, WroteHeaderField: c.field})
		ex, err := next(ctx, req)
		if err != nil {
			c.end(err)
			return nil, err
		}
		c.answer(ex)
		return ex, nil
	}
}

// event takes an event of the call.
func (c *record) event(e trace.Event) {
	if e.Kind == trace.ConnClosed && e.Reason == trace.Dropped {
		defer c.end(errors.New(e.Reason.String())) // no tap tells of this end
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over, e.Kind == trace.FieldWritten:
		return // fields come with their real values to the other hook
	case e.Kind == trace.AttemptStart:
		c.last = e.Attempt
	}
	c.events = append(c.events, e)
}

// field takes a field as it was sent.
func (c *record) field(name string, values []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fields == nil {
		c.fields = make(map[int][]pair)
	}
	for _, v := range values {
		c.fields[c.last] = append(c.fields[c.last], pair{name, v})
	}
}

// answer takes the response, and listens to its body.
func (c *record) answer(ex *sonde.Exchange) {
	c.mu.Lock()
	head := ex.Head
	c.head, c.conn = &head, ex.ConnInfo()
	c.got = &kept{}
	if c.r.cfg.ResponseBodies {
		c.got.most = c.r.cfg.MaxBody
	}
	c.mu.Unlock()
	if ex.Body == nil {
		c.end(nil)
		return
	}
	ex.Body.Tap(func(p []byte, end error) {
		switch {
		case end == nil:
			c.got.Write(p)
		case end == io.EOF:
			c.end(nil)
		default:
			c.end(end)
		}
	})
}

// end makes the entries, once.
func (c *record) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	c.r.add(c.entries(err))
}
