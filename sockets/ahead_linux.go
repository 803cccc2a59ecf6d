package sockets

import (
	"context"
	"runtime"
)

// A dump of many sockets has the kernel write answers while those before are being
// looked at: a goroutine reads ahead, for as long as the dump lasts. The kernel's
// part is half of the work or more, so with two processors that takes a third off
// the time. Dumps that two reads can hold, some 150 sockets, do without.

const (
	aheadAfter = 2 // reads
	// Each buffer holds several reads, so that there are few of the handovers, at
	// which a processor may have to be woken.
	aheadBuffers = 3
	aheadSize    = 128 << 10
	// largestRead is what the kernel fills at most for one read of a dump.
	largestRead = 32 << 10
)

// filled is a buffer with answers, or the error that ended the reading.
type filled struct {
	b   []byte
	err error
}

// dumpAhead takes the answers of a dump to step, from where dump has come to.
func (c *netlinkConn) dumpAhead(ctx context.Context, d dumped, step func([]byte) (bool, error)) (bool, error) {
	full, empty, stop := make(chan filled, aheadBuffers), make(chan []byte, aheadBuffers), make(chan struct{})
	for i := range c.ahead {
		if c.ahead[i] == nil {
			c.ahead[i] = make([]byte, aheadSize)
		}
		empty <- c.ahead[i]
	}
	go c.readAhead(d, full, empty, stop)
	defer func() {
		close(stop)
		for range full { // until the goroutine has ended
		}
	}()
	for f := range full {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if f.err != nil {
			return false, f.err
		}
		if done, err := c.answers(f.b, d, step); done || err != nil {
			return err == nil && !c.unread, err
		}
		empty <- f.b[:aheadSize]
	}
	return false, errMalformed // it ends with the kernel's last word, which answers sees
}

// readAhead fills buffers until the dump ends or nobody wants the rest. It never
// waits to hand one on: full has room for all.
func (c *netlinkConn) readAhead(d dumped, full chan<- filled, empty <-chan []byte, stop <-chan struct{}) {
	defer close(full)
	for {
		var buffer []byte
		select {
		case <-stop:
			return
		case buffer = <-empty:
		}
		n, last := 0, false
		for !last && len(buffer)-n >= largestRead {
			b, err := c.receive(buffer[n:])
			if err != nil {
				full <- filled{err: err}
				return
			}
			n, last = n+len(b), d.ends(b)
		}
		full <- filled{b: buffer[:n]}
		if last {
			return
		}
	}
}

// ends reports whether these answers hold the dump's last one. Bytes that are no
// messages end it, too: answers says so.
func (d dumped) ends(b []byte) bool {
	for len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil || m.sequence == d.sequence && (m.kind == messageDone || m.kind == messageError) {
			return true
		}
		b = rest
	}
	return false
}

// worthReadingAhead reports whether a goroutine has a processor to run on.
func worthReadingAhead(reads int) bool { return reads == aheadAfter && runtime.GOMAXPROCS(0) > 1 }
