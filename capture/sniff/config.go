package sniff

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/net/bpf"

	"sonde/capture"
)

// Config says what Run does. The zero Config, but for Out and Err, captures on
// the default interface until the context ends and prints a line a packet.
type Config struct {
	Interface string // -i; empty is DefaultInterface's
	Read      string // -r: a file to read instead, "-" is standard input
	Write     string // -w: a file to write instead of printing, "-" is Out

	// File says how -w writes: format, rotation (-C, -G, -W). Its interfaces are
	// the source's.
	File capture.FileConfig

	// Capture says how a live source is opened: snap length (-s), ring (-B),
	// promiscuous (-p leaves it off), direction (-Q). Interface and filter are set
	// by Run.
	Capture capture.Config

	// Filter is an expression for Compile; an empty one takes all.
	Filter  string
	Compile Compile

	Count     uint64 // -c: stop after so many packets, zero is no limit
	CountOnly bool   // --count: print how many there were, and no packets
	Style     Style
	JSON      bool // one object a packet, or an exchange with HTTP
	HTTP      bool // one line an HTTP exchange instead of packets

	// Follow, when Following is set, is the number of the TCP connection whose bytes
	// are printed instead of packets.
	Following bool
	Follow    int
	Colour    bool // tell directions by colour

	// KeyLog is an SSLKEYLOGFILE: it decrypts for HTTP, and what it holds goes into
	// the file that is written.
	KeyLog string

	LineBuffered   bool // -l: write each line as it comes
	PacketBuffered bool // -U: write each packet to the file as it comes

	User           string // -Z: become this user once the source is open; files are written as that user
	KeepPrivileges bool   // do not drop capabilities; a library user may need them

	// Report is called at each value received, to print the counts while running
	// (SIGUSR1 in the command). Nil is never.
	Report <-chan os.Signal

	Out io.Writer // lines; nil is standard output
	Err io.Writer // what is to be said about the capture; nil is standard error
}

// Compile makes the program of a filter expression. A live one may ask the kernel
// for what is not among a packet's bytes.
type Compile func(expression string, link capture.LinkType, snapLen int, live bool) (Program, error)

// Program is a filter: package capture/filter's Program is one. Raw is for the
// kernel, Match for packets of files.
type Program interface {
	Raw() []bpf.RawInstruction
	Match(data []byte, wireLen int) bool
}

// ErrConfig is for a Config that contradicts itself. Nothing was opened.
var ErrConfig = errors.New("sniff")

func (c *Config) filled() error {
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Err == nil {
		c.Err = os.Stderr
	}
	if c.Filter != "" && c.Compile == nil {
		return fmt.Errorf("%w: a filter expression, and nothing to compile it", ErrConfig)
	}
	if c.Read != "" && c.Interface != "" {
		return fmt.Errorf("%w: either read a file or capture on an interface", ErrConfig)
	}
	modes := 0
	for _, on := range []bool{c.Write != "", c.CountOnly, c.HTTP, c.Following} {
		if on {
			modes++
		}
	}
	if c.Write != "" && c.HTTP && modes == 2 {
		modes = 1 // both: the file gets the packets, the terminal the exchanges
	}
	if modes > 1 {
		return fmt.Errorf("%w: writing, counting, HTTP and following exclude each other", ErrConfig)
	}
	if c.Following && c.JSON {
		return fmt.Errorf("%w: the bytes of a connection have no form in JSON", ErrConfig)
	}
	return nil
}

// flushEvery is how long packets stay in memory when the file is written without
// PacketBuffered and nothing else comes.
const flushEvery = 200 * time.Millisecond

// holdForSecrets is the same with a key log: as long as a handshake may take.
const holdForSecrets = time.Second

// Advice returns what to do about an error of Run, or "" where nothing is known.
func Advice(err error) string {
	var file *fs.PathError // one that may not be read or written: no capability is missing
	if !errors.Is(err, fs.ErrPermission) || errors.As(err, &file) {
		return ""
	}
	self, e := os.Executable()
	if e != nil {
		self = "sonde"
	}
	return fmt.Sprintf("capturing needs the capability CAP_NET_RAW; grant it with\n  sudo setcap cap_net_raw=ep %s\nor run it as root. Files (-r) need neither.", self)
}
