package sonde

import (
	"bytes"
	"io"
	"net"
	"strings"
	"time"

	"sonde/internal/clock"
	"sonde/internal/message"
	"sonde/trace"
)

// aside is a response whose body was read into memory so that its connection can
// serve others, while it is not known yet whether it is the call's response. It is
// the Stream of its call from then on.
type aside struct {
	bytes.Reader
	size    int64
	err     error // how reading ended; nil: at the end
	trailer message.Fields
}

// asideMost is how large such a body may be.
const asideMost = 64 << 10

// setAside gives the connection back if the rest of the response is known and
// small. Whoever is asked for credentials may need it: a token can come from the
// same origin, and all connections that it may have could be held by calls that
// wait for one.
func (k *call) setAside() {
	if !k.held {
		return // the connection is another call's
	}
	body, whole := k.stream.Whole()
	var err error
	switch left := k.stream.Left(); {
	case whole:
		body = bytes.Clone(body)
	case left < 0 || left > asideMost || !k.stream.Done() && isEventStream(&k.head.Fields):
		return
	default:
		body, err = io.ReadAll(k.stream)
	}
	a := &aside{size: int64(len(body)), err: err, trailer: k.stream.Trailer()}
	a.Reset(body)
	a.trailer.Detach()
	k.head.Fields.Detach()
	k.head.Reason = strings.Clone(k.head.Reason)
	end, hint := k.stream.Finish(trace.NoReason)
	k.release(end, hint, clock.Now())
	k.stream = a
}

// Read reads the body, and then says how reading it had ended.
func (a *aside) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == io.EOF && a.err != nil {
		err = a.err
	}
	return n, err
}

// WriteTo writes the rest of the body to w.
func (a *aside) WriteTo(w io.Writer) (int64, error) {
	n, err := a.Reader.WriteTo(w)
	if err == nil {
		err = a.err
	}
	return n, err
}

// Done reports whether the body was read to its end.
func (a *aside) Done() bool { return a.Reader.Len() == 0 && a.err == nil }

// Watch has nothing to watch.
func (a *aside) Watch() {}

// Left is how many bytes are left.
func (a *aside) Left() int64 { return int64(a.Reader.Len()) }

// Received is how many bytes of the body have come.
func (a *aside) Received() int64 { return a.size }

// Trailer is the trailer section.
func (a *aside) Trailer() message.Fields { return a.trailer }

// Whole is false: the bytes are read as any others.
func (a *aside) Whole() ([]byte, bool) { return nil, false }

// Drain passes over the rest.
func (a *aside) Drain(int64, int64) bool {
	a.Reader.Seek(0, io.SeekEnd)
	return a.err == nil
}

// Finish has nothing to finish: the connection was given back.
func (a *aside) Finish(trace.Reason) (trace.Reason, time.Duration) { return trace.NoReason, 0 }

// Hijack is false: there is no connection any more.
func (a *aside) Hijack() (net.Conn, []byte, bool) { return nil, nil, false }

// Abort has nothing to abort.
func (a *aside) Abort() {}
