// Package ndjson reads and writes newline-delimited JSON, application/x-ndjson: a
// value per line.
package ndjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"sonde"
)

// MediaType is the one under which such bodies are sent.
const MediaType = "application/x-ndjson"

// ErrTooLarge is in the chain of the error of a line beyond the limit.
var ErrTooLarge = errors.New("larger than the limit")

// LineError says what is wrong with a line.
type LineError struct {
	Line int // counted from 1, blank ones included
	Err  error
}

// Error names the line; it does not show it.
func (e *LineError) Error() string { return fmt.Sprintf("ndjson: line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Values yields the values of r, each as its line has come; blank lines are passed
// over. maxLine bounds the bytes of a line; 0: 1 MiB.
//
// A line that is no T is a *LineError, after which the loop may go on. r's own
// error, a line too long and a value that the end cut off come last. The last
// line needs no line end where its value has an end of its own, which a number
// has not: "12" may be the beginning of "123".
//
// r is read to its end by a loop that does not break, which makes the connection
// of an Exchange's Body reusable. Closing it remains the caller's.
func Values[T any](r io.Reader, maxLine int) iter.Seq2[T, error] {
	if maxLine <= 0 {
		maxLine = 1 << 20
	}
	return func(yield func(T, error) bool) {
		lines := lineReader{r: bufio.NewReader(r), max: maxLine}
		for {
			line, whole, err := lines.next()
			var v T
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(v, err)
				return
			case len(line) == 0:
				continue
			}
			if err = value(line, whole, &v); err != nil {
				var none T
				v, err = none, &LineError{lines.n, err}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// value reads a line into v.
func value(line []byte, whole bool, v any) error {
	if whole {
		return json.Unmarshal(line, v)
	}
	last := line[len(line)-1]
	if '0' <= last && last <= '9' || !json.Valid(line) {
		return fmt.Errorf("cut off: %w", io.ErrUnexpectedEOF)
	}
	return json.Unmarshal(line, v)
}

// lineReader reads lines of a bounded length.
type lineReader struct {
	r    *bufio.Reader
	max  int
	n    int // the number of the last line
	long []byte
}

// next returns a line without white space around it, valid until the next call;
// whole: it has a line end. The error is io.EOF when there are no more.
func (l *lineReader) next() (line []byte, whole bool, err error) {
	l.n++
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.long)+len(bytes.TrimRight(part, "\r\n")) > l.max {
			return nil, false, &LineError{l.n, fmt.Errorf("%w, %d bytes", ErrTooLarge, l.max)}
		}
		switch {
		case err == nil && len(l.long) == 0:
			return bytes.TrimSpace(part), true, nil
		case err == nil || err == io.EOF || err == bufio.ErrBufferFull:
			l.long = append(l.long, part...)
		default:
			return nil, false, err
		}
		switch line := bytes.TrimSpace(l.long); {
		case err == nil:
			return line, true, nil
		case err == io.EOF && len(line) > 0:
			return line, false, nil
		case err == io.EOF:
			return nil, false, io.EOF
		}
	}
}

// Body is a request body of values, a line each, encoded as they are sent; its
// length is not known, so it goes chunked. values is ranged over anew for each
// attempt, on another goroutine than the call's, and stopped when the call needs
// it no more. What json.Marshal refuses is the call's error.
func Body[T any](values iter.Seq[T]) sonde.Body {
	if values == nil {
		values = func(func(T) bool) {}
	}
	return sonde.Func(-1, func() (io.ReadCloser, error) {
		next, stop := iter.Pull(values)
		return &encoder[T]{next: next, stop: stop}, nil
	}).WithMediaType(MediaType)
}

// encoder reads values as lines. Close may come while a Read waits for a value.
type encoder[T any] struct {
	mu     sync.Mutex // held by Read
	next   func() (T, bool)
	stop   func()
	closed atomic.Bool
	buf    bytes.Buffer
}

// Read gives the next bytes, of one value at most.
func (e *encoder[T]) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.release()
	if e.buf.Len() == 0 {
		if e.closed.Load() {
			return 0, io.ErrClosedPipe
		}
		v, ok := e.next()
		if !ok {
			return 0, io.EOF
		}
		e.buf.Reset()
		if err := json.NewEncoder(&e.buf).Encode(v); err != nil {
			return 0, err
		}
	}
	return e.buf.Read(p)
}

// release lets go of the lock; whoever does so after Close stops the values.
func (e *encoder[T]) release() {
	closed := e.closed.Load()
	if closed {
		e.stop()
	}
	e.mu.Unlock()
	if !closed && e.closed.Load() {
		e.Close()
	}
}

// Close stops the values, or leaves that to the Read that waits for one.
func (e *encoder[T]) Close() error {
	e.closed.Store(true)
	if e.mu.TryLock() {
		e.stop()
		e.mu.Unlock()
	}
	return nil
}
