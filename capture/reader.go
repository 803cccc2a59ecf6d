package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Reader is a [Source] that reads a capture file. Its Next allocates nothing but
// for comments.
type Reader struct {
	in     window
	closer io.Closer
	format Format
	next   func(*Reader, *Packet) error
	order  binary.ByteOrder
	failed error
	closed atomic.Bool

	captured atomic.Uint64
	mu       sync.Mutex // guards what follows, for callers other than the reader
	ifaces   []Interface
	counts   []Stats // by interface, from statistics blocks
	secrets  []byte

	pcap   pcapState
	pcapng pcapngState
}

// maxRecord bounds the packets and blocks that a file may hold: what claims to
// be larger is damaged.
const maxRecord = 16 << 20

// ErrTruncated ends a file that stops in the middle of a packet: all packets
// before it were read. errors.Is(err, io.ErrUnexpectedEOF) holds for it too.
var ErrTruncated = fmt.Errorf("capture: the file is cut short in the middle of a packet: %w", io.ErrUnexpectedEOF)

// ErrFormat is what a stream gives that is neither pcap nor pcapng, or is
// damaged.
var ErrFormat = errors.New("capture: not a capture file, or a damaged one")

// OpenFile opens a capture file, or standard input for "-". Closing the reader
// closes it.
func OpenFile(name string) (*Reader, error) {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
	}
	r, err := NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.closer = f
	return r, nil
}

// NewReader reads a capture file from in, pcap or pcapng as its first bytes say.
// Close does not close in.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: newWindow(in)}
	magic, err := r.in.peek(4)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: %d bytes", ErrFormat, r.in.hi)
	}
	if err != nil {
		return nil, fmt.Errorf("capture: reading: %w", err)
	}
	if binary.BigEndian.Uint32(magic) == blockSection {
		err = r.beginPcapng()
	} else {
		err = r.beginPcap(magic)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Next fills p with the next packet. See Source. Where the file is damaged it
// returns an error that says at which offset, from then on.
func (r *Reader) Next(p *Packet) error {
	if r.closed.Load() {
		return ErrClosed
	}
	if r.failed != nil {
		return r.failed
	}
	p.Direction, p.Reception = DirectionUnknown, ReceptionUnknown
	p.VLAN, p.Process, p.Comment, p.IfIndex = VLAN{}, Process{}, "", 0
	if err := r.next(r, p); err != nil {
		r.failed = r.ending(err)
		return r.failed
	}
	r.captured.Add(1)
	return nil
}

// ending turns what stopped the reading into what Next returns.
func (r *Reader) ending(err error) error {
	switch {
	case r.closed.Load():
		return ErrClosed
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case errors.Is(err, io.EOF), errors.Is(err, ErrFormat):
		return err
	}
	return fmt.Errorf("capture: reading at offset %d: %w", r.in.at, err)
}

// damaged says what is wrong and where.
func (r *Reader) damaged(format string, args ...any) error {
	return fmt.Errorf("%w: at offset %d %s", ErrFormat, r.in.at, fmt.Sprintf(format, args...))
}

// Format tells which format the file has. A microsecond pcap file is PCAPMicro.
func (r *Reader) Format() Format { return r.format }

// Interfaces lists the interfaces met so far, over all sections of the file.
func (r *Reader) Interfaces() []Interface {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ifaces[:len(r.ifaces):len(r.ifaces)]
}

// Stats returns how many packets were read, and what the file's statistics
// blocks say of the capture that it was made by.
func (r *Reader) Stats() (Stats, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{Captured: r.captured.Load()}
	for _, c := range r.counts {
		s.Received += c.Received
		s.Dropped += c.Dropped
	}
	return s, nil
}

// Secrets returns a copy of the TLS key log lines met so far, without the first
// from bytes, which the caller has; nil if there are no others.
func (r *Reader) Secrets(from int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from < 0 || from >= len(r.secrets) {
		return nil
	}
	return append([]byte(nil), r.secrets[from:]...)
}

// Close ends the reading and closes the file if OpenFile opened it.
func (r *Reader) Close() error {
	if r.closed.Swap(true) || r.closer == nil {
		return nil
	}
	return r.closer.Close()
}
