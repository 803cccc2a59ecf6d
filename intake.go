package sonde

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// ratioFrom is how many bytes may be decoded before Limits.Ratio is looked at: a
// page of nothing but blanks is no bomb.
const ratioFrom = 8 << 20

// intake is a response body between its connection and its reader, if the call asked
// for anything to be done there: checks and progress see it as it is received, then
// it is decoded.
type intake struct {
	message.Stream
	log *event.Log

	came  []byte // what is left of a body that came in one with the head
	whole bool   // it did

	received, total int64 // bytes so far, and in all; -1: not known
	over            bool  // all was received
	progress        func(received, total int64)
	checks          []ContentCheck

	decodings []*decoding // the last is the one that is read
	names     string      // of the codings
	decoded   int64       // bytes so far
	limit     int64       // on them; 0: none
	ratio     int64       // of them to received; 0: none

	ended   bool  // Read has said so
	broken  error // how what is received ended, if not well
	failure error // how decoding it did
}

// receive puts between the body and its reader what the call asked for. The head is
// that of the call's response.
func (k *call) receive() {
	p, s := k.plan, &k.req.set
	encoded := p.decodes && k.head.Fields.Has("Content-Encoding")
	if !encoded && (p.plain || s.received == nil && s.checks == nil) || k.tunnel() {
		return
	}
	// RFC 9110 §6.4.1: these have no content.
	if k.req.method == HEAD || k.head.Status == int(StatusNotModified) {
		return
	}
	in := &intake{log: k.log, progress: s.received}
	var codings []Coding
	// RFC 9110 §14.2: what a 206 has is a part of the encoded representation.
	if encoded && k.head.Status != int(StatusPartialContent) {
		codings, in.names = k.decoders()
	}
	if len(codings) == 0 && s.received == nil && s.checks == nil {
		return
	}
	head := newHead(&k.head)
	for _, check := range s.checks {
		kept := head.clone()
		if c := check(&kept); c != nil {
			in.checks = append(in.checks, c)
		}
	}
	if in.came, in.whole = k.stream.Whole(); in.whole {
		in.total = int64(len(in.came))
	} else {
		in.total = k.stream.Left()
		in.whole = k.stream.Done() // there is none
	}
	in.Stream, k.stream = k.stream, in
	if in.total == 0 || len(codings) == 0 {
		return
	}
	in.limit, in.ratio = p.decoded, p.ratio
	var src io.Reader = source{in}
	for _, c := range codings {
		d := newDecoding(in, c, src)
		in.decodings = append(in.decodings, d)
		src = d
	}
	k.head.Decoded = in.names
	k.head.Fields.Hide("Content-Encoding", "Content-Length")
}

// source is the body as it is received.
type source struct{ in *intake }

// Read reads, and shows what came to checks and progress.
func (s source) Read(p []byte) (n int, err error) {
	in := s.in
	switch {
	case in.broken != nil:
		return 0, in.broken
	case in.over:
		return 0, io.EOF
	case !in.whole:
		n, err = in.Stream.Read(p)
	default:
		n = copy(p, in.came)
		if in.came = in.came[n:]; len(in.came) == 0 {
			err = io.EOF
		}
	}
	in.received += int64(n)
	if err != nil && err != io.EOF {
		in.broken = err
	}
	if n > 0 {
		in.show(p[:n])
	}
	if in.broken == nil && err == io.EOF {
		in.over = true
		in.close()
	}
	if in.broken != nil {
		err = in.broken
	}
	return n, err
}

// show tells of bytes that were received.
func (in *intake) show(p []byte) {
	for _, c := range in.checks {
		if _, err := c.Write(p); err != nil && in.broken == nil {
			in.broken = undecodable(err)
		}
	}
	if in.progress != nil {
		in.progress(in.received, in.total)
	}
}

// close asks the checks whether all that was received is as it should be.
func (in *intake) close() {
	for _, c := range in.checks {
		if err := c.End(Header{in.Stream.Trailer()}); err != nil {
			in.broken = undecodable(err)
			return
		}
	}
}

// fail makes err how the body ends.
func (in *intake) fail(err error) error {
	in.failure = undecodable(err)
	return in.failure
}

func undecodable(err error) error {
	return &fault.Fault{Op: fault.Decode, Err: err, Sent: true, Answer: true}
}

// Read reads the body.
func (in *intake) Read(p []byte) (int, error) {
	switch {
	case in.ended:
		return 0, io.EOF
	case in.failure != nil:
		return 0, in.failure
	case len(p) == 0:
		return 0, nil
	}
	if len(in.decodings) == 0 {
		n, err := source{in}.Read(p)
		in.ended = err == io.EOF
		return n, err
	}
	n, err := in.decodings[len(in.decodings)-1].Read(p)
	in.ended = err == io.EOF
	if n = in.bound(n); in.failure != nil {
		err = in.failure
	}
	return n, err
}

// bound counts n decoded bytes, and returns how many of them are within the limits.
func (in *intake) bound(n int) int {
	in.decoded += int64(n)
	if in.limit > 0 && in.decoded > in.limit {
		n -= int(in.decoded - in.limit)
		in.decoded = in.limit
		in.fail(fmt.Errorf("%w of %d bytes for a decoded body: raise Limits.Decoded", ErrTooLarge, in.limit))
	}
	return n
}

// swells reports whether out bytes, which one of the codings was decoded to, are more
// than Limits.Ratio allows. Each coding is asked: what the last one gives may be
// little, or nothing, of much that lies below.
func (in *intake) swells(out int64) bool {
	if in.ratio <= 0 || out <= ratioFrom || out/in.ratio <= in.received {
		return false
	}
	in.fail(fmt.Errorf("%w: %d bytes were decoded to more than %d times as many: raise Limits.Ratio",
		ErrTooLarge, in.received, in.ratio))
	return true
}

var intakeBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// WriteTo writes the rest of the body to w.
func (in *intake) WriteTo(w io.Writer) (total int64, err error) {
	b := intakeBuffers.Get().(*[]byte)
	defer intakeBuffers.Put(b)
	for {
		n, err := in.Read(*b)
		if n > 0 {
			m, werr := w.Write((*b)[:n])
			total += int64(m)
			if werr == nil && m < n {
				werr = io.ErrShortWrite
			}
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Done reports whether the body was read to its end.
func (in *intake) Done() bool { return in.ended }

// Left is how many bytes are left, -1 if that is not known.
func (in *intake) Left() int64 {
	switch {
	case in.ended:
		return 0
	case len(in.decodings) > 0:
		return -1
	case in.whole:
		return int64(len(in.came))
	}
	return in.Stream.Left()
}

// Whole is false: the body is not there before it was read.
func (in *intake) Whole() ([]byte, bool) { return nil, false }

var errNotDecoded = errors.New("the body was not decoded to its end")

// Finish ends the exchange; see message.Stream.
func (in *intake) Finish(end trace.Reason) (trace.Reason, time.Duration) {
	for _, d := range in.decodings {
		d.close()
	}
	end, hint := in.Stream.Finish(end)
	if in.decodings != nil && in.log.On() {
		e := trace.Event{Kind: trace.BodyDecoded, Bytes: in.decoded, Detail: &trace.Detail{Name: in.names}}
		if f, ok := in.failure.(*fault.Fault); ok {
			e.Err = f.Err
		} else if !in.ended {
			e.Err = errNotDecoded
		}
		in.log.Emit(&e)
	}
	return end, hint
}

// ContentCheck looks at the content of a response as it is received: before it is
// decoded, without the framing. Its methods are called on the goroutine that reads
// the body.
type ContentCheck interface {
	// Write is given each piece, which is its own until it returns.
	io.Writer
	// End is called after the last piece, if all of the content came. Its error is
	// what the body ends with, instead of io.EOF.
	End(trailer Header) error
}

// WithContentCheck gives the content of the response to what f returns for its head,
// as it was received; nil is no check. Checks add up. What a Handler of the caller's
// answers is not checked, nor are responses to HEAD, and 304.
func WithContentCheck(f func(*Head) ContentCheck) Option {
	return Option{func(r *Request) { r.set.checks = append(slices.Clip(r.set.checks), f) }}
}
