package sonde

import (
	"errors"
	"time"

	"sonde/internal/clock"
	"sonde/trace"
)

// release gives k's connection back to the pool, once.
func (k *call) release(end trace.Reason, hint time.Duration, now int64) {
	if k.held {
		k.held = false
		k.client.pool.Release(k.got.Conn, end, hint, now, k.log)
	}
}

var errPanicked = errors.New("the program's own code panicked within the call")

// unwind ends a call within which the program's own code has panicked: a policy, an
// Authenticator, a jar, a middleware, a check. Somebody further up may recover, as
// servers do, and the connection must not be lost to the pool then. over says that
// the call came to its end in the ordinary way. k is not used again: what panicked
// may have kept something of it.
func (k *call) unwind(over *bool) {
	if *over {
		return
	}
	defer k.release(trace.CallbackPanicked, 0, 0) // also if a sink panics again
	k.req.body.drop()
	if k.stream != nil {
		k.finish(trace.CallbackPanicked, errPanicked)
		return
	}
	if k.held {
		k.got.Conn.Link().(*link).Abort(trace.CallbackPanicked)
		k.release(trace.CallbackPanicked, 0, clock.Now())
	}
	if k.round == nil {
		k.log.End(trace.AttemptDone, errPanicked)
		k.log.End(trace.CallDone, errPanicked)
	}
	k.tellOver()
}
