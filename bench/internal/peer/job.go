package peer

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// Job is what the clients of a row have to do.
type Job struct {
	Addr    string         // of the server
	Path    string         // of the request
	Roots   *x509.CertPool // for TLS 1.3; nil: plain TCP
	Workers int
	File    string // of an upload
	Size    int64  // of a download or upload

	answer []byte // a complete answer, as it is on the wire
	body   []byte // its body
}

// NewJob asks the server once, to know the answer, unless it is a large one.
func NewJob(j Job) (*Job, error) {
	if j.Size > 0 || strings.HasPrefix(j.Path, serve.Wait) {
		return &j, nil
	}
	c, err := j.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, j.request("GET", "")); err != nil {
		return nil, err
	}
	if j.answer, j.body, err = readAnswer(c); err != nil {
		return nil, fmt.Errorf("asking for %s: %w", j.Path, err)
	}
	return &j, nil
}

// URL of the request.
func (j *Job) URL() string {
	if j.Roots != nil {
		return "https://" + j.Addr + j.Path
	}
	return "http://" + j.Addr + j.Path
}

// request is the head that the raw client sends: what sonde sends, to the byte.
func (j *Job) request(method, fields string) string {
	return method + " " + j.Path + " HTTP/1.1\r\nHost: " + j.Addr +
		"\r\nUser-Agent: sonde/0.1.0\r\nAccept-Encoding: gzip, deflate\r\n" + fields + "\r\n"
}

// dial makes a connection the shortest way.
func (j *Job) dial() (net.Conn, error) {
	if j.Roots != nil {
		return tls.Dial("tcp", j.Addr, j.tlsConfig())
	}
	return net.Dial("tcp", j.Addr)
}

// tlsConfig is the one for all clients; nil without TLS.
func (j *Job) tlsConfig() *tls.Config {
	if j.Roots == nil {
		return nil
	}
	return &tls.Config{RootCAs: j.Roots, MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1"}
}

func readAnswer(r io.Reader) (answer, body []byte, err error) {
	var all bytes.Buffer
	in := textproto.NewReader(bufio.NewReader(io.TeeReader(r, &all)))
	if line, err := in.ReadLine(); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		return nil, nil, fmt.Errorf("the answer begins with %q, %v", line, err)
	}
	fields, err := in.ReadMIMEHeader()
	if err != nil {
		return nil, nil, err
	}
	size, err := strconv.Atoi(fields.Get("Content-Length"))
	if err != nil {
		return nil, nil, err
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(in.R, body); err != nil {
		return nil, nil, err
	}
	return bytes.Clone(all.Bytes()), body, nil
}

// checker looks at the answers that one worker gets.
type checker struct {
	want []byte
	n    uint
}

func (j *Job) checker() *checker { return &checker{want: j.body} }

var errAnswer = errors.New("not the answer that the server gives")

// check compares status, length and ends of a body, and all of it now and then.
func (c *checker) check(status int, body []byte) error {
	if c.want == nil { // of Wait: it is not a matter of bytes there
		return nil
	}
	last := len(c.want) - 1
	if status != 200 || len(body) != len(c.want) || body[0] != c.want[0] || body[last] != c.want[last] {
		return fmt.Errorf("%w: status %d, %d bytes instead of %d", errAnswer, status, len(body), len(c.want))
	}
	if c.n++; c.n%256 == 1 && !bytes.Equal(body, c.want) {
		return errAnswer
	}
	return nil
}

// received compares a download with the file.
func (j *Job) received(status int, s *serve.Sink) error {
	if status != 200 || s.N != j.Size {
		return fmt.Errorf("%w: status %d, %d bytes instead of %d", errAnswer, status, s.N, j.Size)
	}
	return nil
}

// sent looks at the answer to an upload, which is what the server got.
func (j *Job) sent(status int, body []byte) error {
	if n, err := strconv.ParseInt(string(body), 10, 64); status != 200 || err != nil || n != j.Size {
		return fmt.Errorf("%w: status %d, the server got %q instead of %d", errAnswer, status, body, j.Size)
	}
	return nil
}

// Again is a client once more, under another name: beside itself it shows how far
// figures of the same thing are apart.
func Again(c measure.Client) measure.Client {
	c.Name += " again"
	return c
}
