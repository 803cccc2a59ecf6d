package capture

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Format is a capture file's format.
type Format uint8

// The formats.
const (
	PCAPNG    Format = iota // pcapng, time in nanoseconds
	PCAP                    // pcap with nanoseconds
	PCAPMicro               // pcap with microseconds, for readers before 2012
)

// FormatOf chooses by a file's name: .pcap, .cap and .dmp are classic pcap, all
// others pcapng.
func FormatOf(name string) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".pcap", ".cap", ".dmp":
		return PCAP
	}
	return PCAPNG
}

// WriterConfig says what a Writer writes. The zero value is pcapng.
type WriterConfig struct {
	Format  Format
	Section Section

	// Interfaces stand at the start of the file; a packet's Interface counts them.
	// AddInterface adds more. A pcap file takes the first one's link type and snap
	// length and has no place for the rest; it needs one.
	Interfaces []Interface

	// Buffer is how many bytes are gathered for one write. Zero means 128 KiB.
	Buffer int
}

const defaultBuffer = 128 << 10

// Writer writes packets to a stream, in whole blocks: whatever has been written
// is readable, wherever the program stopped. It is for one goroutine.
type Writer struct {
	cfg     WriterConfig
	out     io.Writer
	buf     []byte
	notes   notes
	limit   int
	ahead   int // where in buf secrets go: before its first packet
	ifaces  []Interface
	first   int64 // time of the first packet, for the statistics
	written int64
	err     error
}

// NewWriter returns a writer that has the file's header in its buffer.
func NewWriter(out io.Writer, cfg WriterConfig) (*Writer, error) {
	if cfg.Buffer == 0 {
		cfg.Buffer = defaultBuffer
	}
	if cfg.Format > PCAPMicro {
		return nil, fmt.Errorf("capture: unknown file format %d", cfg.Format)
	}
	if cfg.Format != PCAPNG && len(cfg.Interfaces) == 0 {
		return nil, errors.New("capture: a pcap file needs an interface, for its link type")
	}
	w := &Writer{cfg: cfg, out: out, limit: max(cfg.Buffer, 1)}
	w.buf = make([]byte, 0, w.limit+MaxSnapLen+4096)
	w.begin()
	return w, nil
}

// begin puts the headers into the buffer.
func (w *Writer) begin() {
	if w.cfg.Format == PCAPNG {
		w.buf = appendSection(w.buf, &w.cfg.Section)
		for i := range w.cfg.Interfaces {
			w.buf = appendInterface(w.buf, &w.cfg.Interfaces[i])
		}
	} else {
		magic := uint32(pcapNano)
		if w.cfg.Format == PCAPMicro {
			magic = pcapMicro
		}
		w.buf = appendPcapHeader(w.buf, magic, w.cfg.Interfaces[0].Link, w.cfg.Interfaces[0].SnapLen)
	}
	w.ifaces = append([]Interface(nil), w.cfg.Interfaces...)
	w.ahead = len(w.buf)
}

// WritePacket adds a packet. Its Data is copied; nothing is allocated.
func (w *Writer) WritePacket(p *Packet) error {
	if w.err != nil {
		return w.err
	}
	switch w.cfg.Format {
	case PCAPNG:
		if uint(p.Interface) >= uint(len(w.ifaces)) {
			return fmt.Errorf("capture: packet of interface %d, the file has %d", p.Interface, len(w.ifaces))
		}
		w.buf = appendEnhanced(w.buf, p, &w.notes)
	case PCAP:
		if p.Link != w.ifaces[0].Link {
			return w.mixed(p)
		}
		w.buf = appendPcapPacket(w.buf, p, 1)
	default:
		if p.Link != w.ifaces[0].Link {
			return w.mixed(p)
		}
		w.buf = appendPcapPacket(w.buf, p, 1000)
	}
	if w.first == 0 {
		w.first = p.Time
	}
	if len(w.buf) >= w.limit {
		return w.Flush()
	}
	return nil
}

func (w *Writer) mixed(p *Packet) error {
	return fmt.Errorf("capture: a pcap file holds one link type, this one %v; the packet is %v: write pcapng", w.ifaces[0].Link, p.Link)
}

// AddInterface describes one more interface and returns the number that its
// packets carry. A pcap file takes none but of its link type.
func (w *Writer) AddInterface(i Interface) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.cfg.Format == PCAPNG {
		w.buf = appendInterface(w.buf, &i)
	} else if i.Link != w.ifaces[0].Link {
		return 0, w.mixed(&Packet{Link: i.Link})
	}
	w.ifaces = append(w.ifaces, i)
	return len(w.ifaces) - 1, nil
}

// ErrNotPCAPNG is returned for what a classic pcap file has no place for.
var ErrNotPCAPNG = errors.New("capture: only pcapng files can hold this")

// WriteSecrets adds lines of a TLS key log (the format of SSLKEYLOGFILE). They
// decrypt the packets that are written after it and those still in the buffer,
// which they are put before: readers do not look ahead. Whoever reads the file
// reads the traffic: keep it private.
func (w *Writer) WriteSecrets(keylog []byte) error {
	if w.err != nil || len(keylog) == 0 {
		return w.err
	}
	if w.cfg.Format != PCAPNG {
		return ErrNotPCAPNG
	}
	block := appendSecrets(nil, keylog)
	w.buf = slices.Insert(w.buf, w.ahead, block...)
	w.ahead += len(block)
	if len(w.buf) >= w.limit {
		return w.Flush()
	}
	return nil
}

// WriteStats adds the counters of an interface as they are now; a pcap file has
// no place for them, and nothing happens.
func (w *Writer) WriteStats(iface int, s Stats) error {
	if w.err != nil || w.cfg.Format != PCAPNG {
		return w.err
	}
	if uint(iface) >= uint(len(w.ifaces)) {
		return fmt.Errorf("capture: statistics of interface %d, the file has %d", iface, len(w.ifaces))
	}
	w.buf = appendStatistics(w.buf, iface, s, w.first, time.Now().UnixNano())
	return nil
}

// Size returns how long the file is, with what is still in the buffer.
func (w *Writer) Size() int64 { return w.written + int64(len(w.buf)) }

// Buffered returns how many bytes wait for the next write.
func (w *Writer) Buffered() int { return len(w.buf) }

// Flush writes what the buffer holds. After an error the writer stays broken.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	n, err := w.out.Write(w.buf)
	w.written += int64(n)
	w.buf, w.ahead = w.buf[:0], 0
	if err != nil {
		w.err = fmt.Errorf("capture: writing: %w", err)
	}
	return w.err
}

// restart begins another file with the interfaces that are known by now.
func (w *Writer) restart(out io.Writer) {
	w.cfg.Interfaces = w.ifaces
	w.out, w.written, w.first, w.err = out, 0, 0, nil
	w.begin()
}

// InterfaceCount returns how many interfaces have been described.
func (w *Writer) InterfaceCount() int { return len(w.ifaces) }
