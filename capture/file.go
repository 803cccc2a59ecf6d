package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// FileConfig says how a File is written and when the next one begins. Without
// any limit there is one file.
type FileConfig struct {
	WriterConfig

	// MaxSize begins a new file once one has at least so many bytes.
	MaxSize int64

	// MaxPackets begins a new file after so many packets.
	MaxPackets int64

	// Every begins a new file when a packet is this much younger than the file's
	// first. The name is then a pattern: %Y %m %d %H %M %S %y %j %s %% stand for
	// parts of the file's start in local time.
	Every time.Duration

	// Keep is how many files there may be. With MaxSize or MaxPackets the oldest is
	// overwritten; with Every alone writing ends with ErrLastFile. Zero is no limit.
	Keep int

	// Private makes the files readable for their owner only. Files that get secrets
	// are so in any case.
	Private bool
}

// ErrLastFile ends the writing when Every has filled as many files as Keep
// allows.
var ErrLastFile = errors.New("capture: the last file is full")

// File writes packets to a capture file and goes on to the next when that is
// full. It is for one goroutine.
type File struct {
	*Writer
	cfg     FileConfig
	pattern string
	name    string
	out     *os.File
	began   int64 // time of this file's first packet
	packets int64
	number  int // of this file, from 0
	secrets []byte
	private bool
}

// Create makes a capture file, or takes standard output for "-". The format is
// the configuration's; FormatOf chooses one by the name.
//
// When files rotate by size or packets, a number is put behind the name: none
// for the first, then 1, 2 …; with Keep all have numbers, with leading zeros.
func Create(name string, cfg FileConfig) (*File, error) {
	if cfg.MaxSize < 0 || cfg.MaxPackets < 0 || cfg.Every < 0 || cfg.Keep < 0 {
		return nil, errors.New("capture: a negative limit of a file")
	}
	f := &File{cfg: cfg, pattern: name, private: cfg.Private}
	if name == "-" && f.rotates() {
		return nil, errors.New("capture: standard output cannot be rotated")
	}
	if err := f.openNext(time.Now()); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) rotates() bool {
	return f.cfg.MaxSize > 0 || f.cfg.MaxPackets > 0 || f.cfg.Every > 0
}

// Name returns the name of the file that is being written.
func (f *File) Name() string { return f.name }

// openNext begins a file.
func (f *File) openNext(now time.Time) error {
	f.name, f.out = f.pattern, os.Stdout
	if f.pattern != "-" {
		f.name = f.fileName(now)
		mode := fs.FileMode(0o644)
		if f.private {
			mode = 0o600
		}
		out, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
		if err != nil {
			return err
		}
		f.out = out
	}
	f.began, f.packets = 0, 0
	if f.Writer == nil {
		w, err := NewWriter(f.out, f.cfg.WriterConfig)
		if err != nil {
			f.closeFile()
			return err
		}
		f.Writer = w
	} else {
		f.Writer.restart(f.out)
	}
	return f.repeatSecrets()
}

// repeatSecrets puts the secrets of connections that go on into a new file.
func (f *File) repeatSecrets() error {
	if len(f.secrets) == 0 {
		return nil
	}
	if err := f.hide(); err != nil {
		return err
	}
	return f.Writer.WriteSecrets(f.secrets)
}

// hide takes a file away from everybody but its owner.
func (f *File) hide() error {
	if f.pattern == "-" {
		return nil
	}
	f.private = true
	if err := f.out.Chmod(0o600); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// fileName fills in the pattern and adds the number.
func (f *File) fileName(now time.Time) string {
	name := f.pattern
	if f.cfg.Every > 0 {
		name = timeName(name, now)
	}
	if f.cfg.MaxSize == 0 && f.cfg.MaxPackets == 0 {
		return name
	}
	if f.cfg.Keep > 0 {
		digits := len(strconv.Itoa(f.cfg.Keep - 1))
		return fmt.Sprintf("%s%0*d", name, digits, f.number%f.cfg.Keep)
	}
	if f.number == 0 {
		return name
	}
	return name + strconv.Itoa(f.number)
}

// WritePacket adds a packet, to a new file if it is time for one.
func (f *File) WritePacket(p *Packet) error {
	if f.rotates() && f.packets > 0 && f.full(p) {
		if err := f.rotate(p); err != nil {
			return err
		}
	}
	if f.packets == 0 {
		f.began = p.Time
	}
	f.packets++
	return f.Writer.WritePacket(p)
}

// WriteReady is the Writer's; files that rotate leave every packet to WritePacket.
func (f *File) WriteReady(l *Live, most int) (n int, err error) {
	if f.rotates() {
		return 0, nil
	}
	n, err = f.Writer.WriteReady(l, most)
	f.packets += int64(n)
	return n, err
}

func (f *File) full(p *Packet) bool {
	return f.cfg.MaxSize > 0 && f.Size() >= f.cfg.MaxSize ||
		f.cfg.MaxPackets > 0 && f.packets >= f.cfg.MaxPackets ||
		f.late(p)
}

func (f *File) late(p *Packet) bool {
	return f.cfg.Every > 0 && p.Time-f.began >= int64(f.cfg.Every)
}

func (f *File) rotate(p *Packet) error {
	if f.late(p) && f.cfg.MaxSize == 0 && f.cfg.MaxPackets == 0 && f.cfg.Keep > 0 && f.number+1 >= f.cfg.Keep {
		return ErrLastFile
	}
	if err := f.Close(); err != nil {
		return err
	}
	f.number++
	return f.openNext(p.Timestamp().Local())
}

// secretsKept bounds what is repeated in each new file; older lines go first.
const secretsKept = 1 << 20

// WriteSecrets adds lines of a TLS key log; the file, and those after it, become
// their owner's only before that.
func (f *File) WriteSecrets(keylog []byte) error {
	if len(keylog) == 0 {
		return nil
	}
	if f.cfg.Format != PCAPNG {
		return ErrNotPCAPNG
	}
	if err := f.hide(); err != nil {
		return err
	}
	if f.rotates() {
		f.secrets = append(f.secrets, keylog...)
		if over := len(f.secrets) - secretsKept; over > 0 {
			over += bytes.IndexByte(f.secrets[over:], '\n') + 1 // whole lines
			f.secrets = f.secrets[:copy(f.secrets, f.secrets[over:])]
		}
	}
	return f.Writer.WriteSecrets(keylog)
}

// Close writes what is left and closes the file, but for standard output. The
// writer is of no use after it.
func (f *File) Close() error {
	if f.out == nil {
		return nil
	}
	return errors.Join(f.Flush(), f.closeFile())
}

func (f *File) closeFile() error {
	out := f.out
	f.out = nil
	if out == os.Stdout || out == nil {
		return nil
	}
	return out.Close()
}
