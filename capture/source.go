package capture

import "errors"

// Source gives packets one after another: a live capture or a file.
//
// One goroutine at a time calls Next. Stats and Close may be called from any.
type Source interface {
	// Next waits for a packet and fills p with it, every field. It returns io.EOF
	// when no more will come. p.Data is valid until the next call of Next or
	// Close; Next allocates nothing.
	Next(p *Packet) error

	// Interfaces lists what the packets' Interface counts. It grows while a pcapng
	// file is read; what is in it does not change.
	Interfaces() []Interface

	// Stats returns the counts up to now.
	Stats() (Stats, error)

	// Close frees what the source holds and makes a blocked Next return ErrClosed.
	// Closing twice is no error.
	Close() error
}

// Interface describes one interface of a source: what a pcapng interface
// description block holds.
type Interface struct {
	Name        string // "eth0"; empty when a file does not say
	Description string
	Link        LinkType
	SnapLen     int    // zero is no limit
	Filter      string // the filter expression, empty when unknown
	Hardware    string // the adapter, as free text
	OS          string // the operating system that captured
	MAC         [6]byte
	Speed       uint64 // bits per second, zero when unknown
	Resolution  uint64 // ticks a second of its time stamps; zero is 1e9 when writing
}

// Stats counts what happened to packets since the source was opened.
type Stats struct {
	Captured uint64 // handed out by Next
	Received uint64 // passed the filter in the kernel, whether or not there was room
	Dropped  uint64 // passed the filter, but the ring was full
	Freezes  uint64 // how many times the ring became full
	Ignored  uint64 // passed the filter and were left out in user space: lo's second copies, -Q
}

// ErrClosed is what Next returns once the source was closed.
var ErrClosed = errors.New("capture: source is closed")

// ErrFilter is what Open returns for a program that cannot run: the kernel refused
// it, or, on "any", it cannot be translated and asks for what this process cannot
// know.
var ErrFilter = errors.New("capture: the filter cannot run on this source")

var (
	_ Source = (*Live)(nil)
	_ Source = (*Reader)(nil)
)
