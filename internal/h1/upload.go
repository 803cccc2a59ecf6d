package h1

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/message"
	"sonde/trace"
)

const (
	// headDelay is how long a head waits for the body's first bytes, so that
	// both can leave in one write; a slow body holds the head back no longer.
	headDelay = time.Millisecond
	// sizeRoom is room for a chunk-size line before a chunk's data.
	sizeRoom = 18
	// uploadBuffer is what is read of a body at a time.
	uploadBuffer = 64 << 10
	// sendfileFrom is the size from which a file goes by sendfile.
	sendfileFrom = 64 << 10
)

// upload sends one request body on a goroutine of its own while the exchange
// waits for the answer, so that an early answer is seen and a slow reader holds
// nothing back. It shares nothing with the exchange that the exchange may give
// to others: a Reader that is blocked for ever leaves only the upload behind.
type upload struct {
	conn      *Conn
	body      message.Body
	kind      message.BodyKind
	length    int64
	log       *event.Log
	firstByte time.Duration

	head    []byte        // to be written by whoever takes it first
	taken   atomic.Bool   // head is being written, or was
	copied  chan struct{} // closed when the upload has taken head
	written chan struct{} // closed when the exchange has written head

	running bool
	telling sync.Mutex   // held while the log is told: nothing may be told after the end
	told    bool         // of the end
	out     atomic.Int64 // bytes of a Reader that have left
	stopped atomic.Bool
	closing sync.Once
	done    chan struct{} // closed by the goroutine's end

	mu       sync.Mutex
	answered bool  // a final answer came: its timeouts are not ours any more
	sent     int64 // reading of the clock when all had left, 0: not yet
	readErr  error
	writeErr error
}

// uploader is an upload as its exchange knows it: a request brings what makes one in
// message.Request.Uploads. So a program whose requests have no bodies does without
// this file.
type uploader interface {
	start()
	answer()
	refuse(error)
	settle(time.Duration) trace.Reason
	sentAt() int64
	finished() bool
	wait()
	stop() bool
	readerError() error
	writeError() error
	lastWords() error
}

// uploads makes an uploader.
type uploads func(c *Conn, call *message.Call, head []byte) uploader

// Uploads is what message.Request.Uploads needs to be for a request with a body.
func Uploads() any { return uploads(newUpload) }

// newUpload prepares an upload; head is what has to be written before the body.
func newUpload(c *Conn, call *message.Call, head []byte) uploader {
	u := &upload{
		conn: c, body: call.Body, kind: call.Request.Body, length: call.Request.Length,
		log: call.Log, firstByte: call.Timeouts.FirstByte,
		head: head, done: make(chan struct{}),
	}
	if head == nil {
		u.taken.Store(true)
		return u
	}
	u.copied, u.written = make(chan struct{}), make(chan struct{})
	return u
}

// start begins the upload, and returns once the head is out of the caller's
// buffer: with the body's first bytes if those come at once, else by itself.
func (u *upload) start() {
	u.running = true
	head := u.head // u.head is the goroutine's from now on
	go u.run()
	if head == nil {
		return
	}
	t := time.NewTimer(headDelay)
	defer t.Stop()
	select {
	case <-u.copied:
		return
	case <-t.C:
	}
	if !u.taken.CompareAndSwap(false, true) {
		<-u.copied
		return
	}
	if _, err := u.conn.write(head); err != nil {
		u.fail(nil, err)
	} else {
		wroteHead(u.log, 0, head, nil)
	}
	close(u.written)
}

func (u *upload) run() {
	defer close(u.done)
	defer u.closeBody()
	sent, err := u.send()
	u.tell(sent, err, err)
}

// tell tells of the request's end: a body of n bytes has left, or failed, and so
// has the request. It does so once: what a Reader does that was left behind is no
// news after the call's end.
func (u *upload) tell(n int64, bodyErr, err error) {
	u.telling.Lock()
	defer u.telling.Unlock()
	if u.log.On() && !u.told {
		u.log.Emit(&trace.Event{Kind: trace.BodyWritten, Bytes: n, Err: bodyErr})
		u.log.End(trace.RequestWritten, err)
	}
	u.told = true
}

// closeBody closes the caller's body, once.
func (u *upload) closeBody() {
	u.closing.Do(func() {
		if u.body.Reader != nil {
			u.body.Reader.Close()
		}
	})
}

// fail keeps the first error. One of the caller's Reader ends the connection,
// since the request cannot be completed; one of the connection leaves some time
// for an answer that explains it.
func (u *upload) fail(readErr, writeErr error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.readErr == nil && u.writeErr == nil {
		u.readErr, u.writeErr = readErr, writeErr
	}
	switch {
	case u.stopped.Load():
	case readErr != nil:
		u.conn.sock.Kill()
	case !u.answered:
		u.conn.sock.SetReadLimit(clock.Now() + int64(answerGrace))
	}
	if readErr != nil {
		return readErr
	}
	return writeErr
}

// sent notes that all of the request has left: the wait for the answer begins.
func (u *upload) allSent() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent = clock.Now()
	if !u.answered && u.firstByte > 0 && !u.stopped.Load() {
		u.conn.sock.SetReadLimit(u.sent + int64(u.firstByte))
	}
}

// send writes head and body, and returns how many body bytes left.
func (u *upload) send() (int64, error) {
	switch f := u.body.File; {
	case u.body.Reader == nil:
		return u.sendBytes()
	case f != nil && u.conn.tls == nil && u.kind == message.KnownLength && (u.length >= sendfileFrom || u.body.Apart):
		return u.sendFile(f)
	}
	return u.sendReader()
}

var uploadBuffers = sync.Pool{New: func() any { b := make([]byte, uploadBuffer); return &b }}

// takeHead appends the head to dst if it is still to be written; otherwise it
// waits until the exchange has written it.
func (u *upload) takeHead(dst []byte) []byte {
	if u.head == nil {
		return dst
	}
	if u.taken.CompareAndSwap(false, true) {
		dst = append(dst, u.head...)
		close(u.copied)
	} else if u.written != nil {
		<-u.written
	}
	u.head = nil
	return dst
}

// headOut tells of a head that has left, unless it is empty: then the exchange
// has told of it.
func (u *upload) headOut(head []byte) {
	u.telling.Lock()
	defer u.telling.Unlock()
	if len(head) > 0 && !u.told {
		wroteHead(u.log, 0, head, nil)
	}
}

// sendBytes sends a body in memory: the head with its beginning, then the rest
// without another copy.
func (u *upload) sendBytes() (int64, error) {
	b := uploadBuffers.Get().(*[]byte)
	defer uploadBuffers.Put(b)
	out := u.takeHead((*b)[:0])
	head, rest := len(out), u.body.Bytes
	n := min(len(rest), max(uploadBuffer/2-head, 0))
	out = append(out, rest[:n]...)
	if _, err := u.conn.write(out); err != nil {
		return 0, u.fail(nil, err)
	}
	u.headOut(out[:head])
	if len(rest) > n {
		m, err := u.conn.write(rest[n:])
		if err != nil {
			return int64(n + m), u.fail(nil, err)
		}
	}
	u.allSent()
	return int64(len(rest)), nil
}

// sendFile sends the head, then a file by sendfile(2).
func (u *upload) sendFile(f *os.File) (int64, error) {
	if out := u.takeHead(nil); len(out) > 0 {
		if _, err := u.conn.write(out); err != nil {
			return 0, u.fail(nil, err)
		}
		u.headOut(out)
	}
	n, err := u.conn.sock.ReadFrom(io.LimitReader(f, u.length))
	if err != nil {
		return n, u.fail(nil, err)
	}
	if n < u.length {
		return n, u.fail(u.wrongBody(n), nil)
	}
	return n, u.endKnown(f)
}

// sendReader sends whatever a Reader gives, as it comes.
func (u *upload) sendReader() (int64, error) {
	b := uploadBuffers.Get().(*[]byte)
	buf, total, empty := *b, int64(0), 0
	base := min(len(u.head), uploadBuffer/2) + sizeRoom
	for {
		room := buf[base : len(buf)-2*sizeRoom]
		known, rest := u.kind == message.KnownLength, u.length-total
		if known && rest < int64(len(room)) {
			// One byte more than declared, where the Reader has it at hand, is seen
			// before the request is complete: the server cannot act on it.
			room = room[:rest+1]
		}
		n, readErr := 0, error(nil)
		if !known || rest > 0 {
			n, readErr = u.body.Reader.Read(room)
		}
		if u.stopped.Load() {
			return total, u.fail(nil, errConnAborted)
		}
		if n < 0 || n > len(room) {
			return total, u.fail(errors.New("the body's Read returned an impossible count"), nil)
		}
		if readErr != nil && readErr != io.EOF {
			return total, u.fail(readErr, nil)
		}
		if known && int64(n) > rest {
			return total, u.fail(u.wrongBody(total+int64(n)), nil)
		}
		if n == 0 && readErr == nil && (!known || rest > 0) {
			if empty++; empty > 100 {
				return total, u.fail(io.ErrNoProgress, nil)
			}
			continue
		}
		empty = 0
		end := readErr == io.EOF || known && int64(n) == rest
		if end && known && int64(n) < rest {
			return total, u.fail(u.wrongBody(total+int64(n)), nil)
		}
		if err := u.writePiece(buf, base, n, end); err != nil {
			return total, err
		}
		base = sizeRoom // no head any more
		total += int64(n)
		u.out.Store(total)
		if !end {
			continue
		}
		uploadBuffers.Put(b)
		if !known || readErr == io.EOF {
			u.allSent()
			return total, nil
		}
		return total, u.endKnown(u.body.Reader)
	}
}

// writePiece writes the n bytes at buf[base:], framed as a chunk where the
// length is unknown, behind the head if that is still to be written and before
// the last chunk if this is the end.
func (u *upload) writePiece(buf []byte, base, n int, end bool) error {
	from, to := base, base+n
	if u.kind != message.KnownLength {
		if n > 0 {
			var line [sizeRoom]byte
			size := AppendChunkSize(line[:0], int64(n))
			from -= len(size)
			copy(buf[from:], size)
			to += copy(buf[to:], "\r\n")
		}
	}
	out := buf[from:to]
	if end && u.kind != message.KnownLength {
		var trailer message.Fields
		if u.body.Trailer != nil {
			var err error
			if trailer, err = u.body.Trailer(); err != nil {
				return u.fail(err, nil)
			}
		}
		out = AppendLastChunk(out, trailer)
	}
	// The head goes in front of the piece, in the same write.
	head := 0
	if u.head != nil {
		head = len(u.head)
		if lead := from - head; lead >= 0 && u.taken.CompareAndSwap(false, true) {
			copy(buf[lead:], u.head)
			close(u.copied)
			u.head = nil
			if len(out) == to-from {
				out = buf[lead:to]
			} else {
				out = append(append(make([]byte, 0, head+len(out)), buf[lead:from]...), out...)
			}
		} else {
			whole := u.takeHead(nil)
			head = len(whole)
			out = append(whole, out...)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if _, err := u.conn.write(out); err != nil {
		return u.fail(nil, err)
	}
	u.headOut(out[:head])
	return nil
}

// endKnown is the end of a body of declared length: it must have no more bytes.
func (u *upload) endKnown(r io.Reader) error {
	u.allSent()
	var one [1]byte
	for range 100 {
		n, err := r.Read(one[:])
		switch {
		case u.stopped.Load():
			return nil
		case n > 0:
			return u.fail(u.wrongBody(u.length+int64(n)), nil)
		case err == io.EOF:
			return nil
		case err != nil:
			return u.fail(err, nil)
		}
	}
	return nil
}

// wrongBody is the error of a body of n bytes, or more if those are too many.
func (u *upload) wrongBody(n int64) error {
	return &message.WrongLength{Declared: u.length, Got: n}
}

// answer tells the upload that a final answer came.
func (u *upload) answer() {
	u.mu.Lock()
	u.answered = true
	u.mu.Unlock()
}

// sentAt is when all of the request had left, 0 if it has not.
func (u *upload) sentAt() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sent
}

// refuse ends an upload that never started; err says why, nil if the server did not
// want it.
func (u *upload) refuse(err error) {
	u.closeBody()
	u.log.End(trace.RequestWritten, err)
	close(u.done)
}

// finished reports whether the request was sent whole.
func (u *upload) finished() bool {
	select {
	case <-u.done:
		return u.readerError() == nil && u.writeError() == nil
	default:
		return false
	}
}

// settle gives the upload some time to end, and says what that means for the
// connection.
func (u *upload) settle(grace time.Duration) trace.Reason {
	select {
	case <-u.done:
	default:
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-u.done:
		case <-t.C:
			if u.release() {
				return trace.NoReason
			}
			return trace.EarlyResponse
		}
	}
	switch {
	case u.readerError() != nil:
		return trace.RequestBodyFailed
	case u.writeError() != nil:
		return trace.WriteFailed
	}
	return trace.NoReason
}

// release parts an upload from its connection, if all that was declared has been
// sent and only the Reader's end is still to be seen: the request is complete, so
// that a Reader that is slow to say so costs no connection.
func (u *upload) release() bool {
	u.mu.Lock()
	complete := u.sent != 0 && u.readErr == nil && u.writeErr == nil
	if complete {
		u.stopped.Store(true) // from now on fail leaves the connection alone
	}
	u.mu.Unlock()
	if complete {
		u.stop()
	}
	return complete
}

// wait waits for the goroutine of an upload that has ended, unless it was parted
// from the connection.
func (u *upload) wait() {
	if !u.stopped.Load() {
		<-u.done
	}
}

// stop ends the upload of a connection that has been killed. It reports whether
// its goroutine is gone: closing the body wakes most Readers, but one without a
// Close, or that ignores it, can stay in Read as long as it likes.
func (u *upload) stop() bool {
	u.stopped.Store(true)
	if !u.running {
		select {
		case <-u.done: // refused
		default:
			u.refuse(errUnsent)
		}
		return true
	}
	if !u.body.Stays {
		u.closeBody() // wakes it; run closes it otherwise
	}
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-u.done:
		return true
	case <-t.C:
	}
	if u.sentAt() != 0 {
		u.tell(u.length, errLeftBehind, nil)
	} else {
		u.tell(u.out.Load(), errLeftBehind, errLeftBehind)
	}
	return false
}

// stopGrace is how long a call waits for its body's Read to come back.
const stopGrace = 5 * time.Millisecond

var errUnsent = errors.New("the call ended before the request's body was sent")

var errLeftBehind = errors.New("the body's Read did not return: its goroutine is left behind until it does")

func (u *upload) readerError() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.readErr
}

func (u *upload) writeError() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.writeErr
}

// lastWords is the write's error of an upload whose connection has ended: one that is
// under way has some time to say it.
func (u *upload) lastWords() error {
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-u.done:
	case <-t.C:
	}
	return u.writeError()
}
