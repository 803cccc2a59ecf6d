package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// wire is a connection of one raw worker.
type wire struct {
	job     *Job
	conn    net.Conn
	request []byte
	buf     []byte // just as large as the answer
	checks  *checker
}

// wires are the connections of a raw client, to be closed at its end.
type wires struct {
	mu  sync.Mutex
	all []net.Conn
}

func (w *wires) dial(j *Job) (net.Conn, error) {
	c, err := j.dial()
	if err == nil {
		w.mu.Lock()
		w.all = append(w.all, c)
		w.mu.Unlock()
	}
	return c, err
}

func (w *wires) close() {
	for _, c := range w.all {
		c.Close()
	}
}

// Raw is the limit: fixed bytes written to a net.Conn, and the answer, of which
// the size is known, read. With a context it makes that too, and does not look at
// it: what making one costs.
func Raw(j *Job, made Context) measure.Client {
	all := &wires{}
	return measure.Client{Name: "raw" + made.suffix, Close: all.close, Op: func(int) (func() error, error) {
		c, err := all.dial(j)
		w := &wire{j, c, []byte(j.request("GET", "")), make([]byte, len(j.answer)), j.checker()}
		if made.do == nil {
			return w.get, err
		}
		return made.with(func(context.Context) error { return w.get() }), err
	}}
}

func (w *wire) get() error {
	if _, err := w.conn.Write(w.request); err != nil {
		return err
	}
	if _, err := io.ReadFull(w.conn, w.buf); err != nil {
		return err
	}
	return w.check()
}

func (w *wire) check() error {
	if !isOK(w.buf) {
		return fmt.Errorf("%w: %.40q", errAnswer, w.buf)
	}
	return w.checks.check(200, w.buf[len(w.buf)-len(w.job.body):])
}

// isOK reports whether an answer has status 200.
func isOK(answer []byte) bool { return bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) }

// RawOneShot is net.Dial, write, read, close.
func RawOneShot(j *Job) measure.Client {
	return measure.Client{Name: "raw", Op: func(int) (func() error, error) {
		w := &wire{j, nil, []byte(j.request("GET", "Connection: close\r\n")), make([]byte, len(j.answer)), j.checker()}
		return func() (err error) {
			if w.conn, err = net.Dial("tcp", j.Addr); err != nil {
				return err
			}
			defer w.conn.Close()
			return w.get()
		}, nil
	}}
}

// rawBuffer is how much the raw download reads at once.
const rawBuffer = 256 << 10

// RawDownload reads the answer's head, then the body into a buffer, and from there
// into the writer.
func RawDownload(j *Job) measure.Client {
	all := &wires{}
	return measure.Client{Name: "raw", Close: all.close, Op: func(int) (func() error, error) {
		c, err := all.dial(j)
		request, buf, sink := []byte(j.request("GET", "")), make([]byte, rawBuffer), new(serve.Sink)
		return func() error {
			sink.N = 0
			if _, err := c.Write(request); err != nil {
				return err
			}
			n, err := readPast(c, buf)
			for err == nil {
				if _, err = sink.Write(buf[:n]); err == nil && sink.N < j.Size {
					n, err = c.Read(buf)
					continue
				}
				break
			}
			if err != nil {
				return err
			}
			return j.received(200, sink)
		}, err
	}}
}

// readPast reads the head of an answer with status 200, and returns how many bytes
// behind it came along; they are at the start of buf.
func readPast(c net.Conn, buf []byte) (int, error) {
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			return 0, err
		}
		have += n
		if at := bytes.Index(buf[:have], []byte("\r\n\r\n")); at >= 0 {
			if !isOK(buf[:have]) {
				return 0, fmt.Errorf("%w: %.40q", errAnswer, buf[:have])
			}
			return copy(buf, buf[at+4:have]), nil
		}
	}
}

// RawUpload writes a head and sends the file by sendfile.
func RawUpload(j *Job) measure.Client {
	all := &wires{}
	return measure.Client{Name: "raw", Close: all.close, Op: func(int) (func() error, error) {
		c, err := all.dial(j)
		request, buf := []byte(j.request("POST", fmt.Sprintf("Content-Length: %d\r\n", j.Size))), make([]byte, 4096)
		return func() error {
			f, err := os.Open(j.File)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := c.Write(request); err != nil {
				return err
			}
			if _, err := c.(*net.TCPConn).ReadFrom(f); err != nil {
				return err
			}
			n, err := readPast(c, buf)
			if err == nil && n < uploadAnswer {
				_, err = io.ReadFull(c, buf[n:uploadAnswer])
			}
			if err != nil {
				return err
			}
			return j.sent(200, buf[:uploadAnswer])
		}, err
	}}
}

// uploadAnswer is the length of the server's answer to an upload.
const uploadAnswer = 16

// RawHold opens one connection a worker, for the row of idle ones, and keeps only
// that.
func RawHold(j *Job) measure.Client {
	all := &wires{}
	request := []byte(j.request("GET", ""))
	return measure.Client{Name: "raw", Close: all.close, Op: func(int) (func() error, error) {
		return func() error {
			c, err := all.dial(j)
			if err != nil {
				return err
			}
			if _, err := c.Write(request); err != nil {
				return err
			}
			c.SetReadDeadline(time.Now().Add(time.Minute))
			_, _, err = readAnswer(c)
			c.SetReadDeadline(time.Time{})
			return err
		}, nil
	}}
}
