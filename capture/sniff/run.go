package sniff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"syscall"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/httpview"
	"sonde/capture/keylog"
)

// session is one call of Run.
type session struct {
	cfg  Config
	src  capture.Source
	live *capture.Live   // src, if it is live
	read *capture.Reader // src, if it is a file

	keep    *matcher
	keys    *keylog.Log
	printer *Printer
	view    *view
	file    *capture.File
	stdout  *capture.Writer // -w -
	out     []byte
	d       decode.Packet

	taken        uint64        // packets
	count        atomic.Uint64 // the same for others than the loop, who may see it late under load
	secretsRead  int           // bytes, from the file
	secretsSaved int           // secrets, into the file
	errMu        sync.Mutex
}

// Run captures or reads, and prints or writes, until the count is reached, the
// file or ctx ends, or nobody reads the output any more, which is no error.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.filled(); err != nil {
		return err
	}
	s := &session{cfg: cfg}
	if err := s.open(); err != nil {
		return errors.Join(err, s.close())
	}
	stop := context.AfterFunc(ctx, s.stop)
	defer stop()
	reported := s.report()
	err := s.loop(ctx)
	if e := s.finish(); err == nil {
		err = e
	}
	reported()
	if e := s.close(); err == nil {
		err = e
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case errors.Is(err, capture.ErrLastFile):
		s.say("%d files are full, as many as -W allows", s.cfg.File.Keep)
		return nil
	}
	return err
}

// stop ends the source from outside.
func (s *session) stop() {
	if s.live != nil {
		s.live.Stop()
		return
	}
	s.src.Close()
}

// report prints the counts at each signal, until the function that it returns
// is called.
func (s *session) report() (end func()) {
	if s.cfg.Report == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-s.cfg.Report:
				s.say("%s", s.counts())
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// say writes a line about the capture.
func (s *session) say(format string, args ...any) {
	s.errMu.Lock()
	defer s.errMu.Unlock()
	fmt.Fprintf(s.cfg.Err, format+"\n", args...)
}

// loop takes packets until there are no more, or enough.
func (s *session) loop(ctx context.Context) error {
	defer s.publish()
	straight := s.straight()
	var p capture.Packet
	for s.cfg.Count == 0 || s.taken < s.cfg.Count {
		if s.live != nil && !s.live.Ready() {
			if err := s.idle(); err != nil {
				return err
			}
		}
		err := s.src.Next(&p)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, capture.ErrClosed) && ctx.Err() != nil:
			return nil
		case errors.Is(err, capture.ErrTruncated):
			s.say("%v", err)
			return nil
		default:
			return err
		}
		if err := s.packet(&p); err != nil {
			return err
		}
		if straight {
			if err := s.rest(); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish tells others how many packets there were. Doing so for each packet, with
// an atomic write, had the processor wait for all that it was still reading and
// writing: 8 % of the time of a capture into a file.
func (s *session) publish() { s.count.Store(s.taken) }

// straight reports whether packets go to a file as they are, and nobody else looks
// at them.
func (s *session) straight() bool {
	return s.live != nil && s.cfg.Write != "" && s.keep == nil && s.view == nil && s.cfg.KeyLog == ""
}

// rest writes what has arrived together with a packet that was written.
func (s *session) rest() error {
	for {
		most := math.MaxInt
		if s.cfg.Count > 0 {
			most = int(min(s.cfg.Count-s.taken, math.MaxInt))
		}
		n, err := s.writer().WriteReady(s.live, most)
		s.taken += uint64(n)
		if n == 0 || err != nil {
			s.publish()
			return err
		}
	}
}

// packet does what is to be done with one packet.
func (s *session) packet(p *capture.Packet) error {
	if s.keep != nil {
		if keep, err := s.keep.match(p); !keep || err != nil {
			return err
		}
	}
	if s.read != nil {
		if want := s.cfg.Capture.Direction; want != 0 && p.Direction != 0 && p.Direction != want {
			return nil // the kernel does that for live ones
		}
		s.takeSecrets()
	}
	if s.taken++; s.taken&0xff == 0 {
		s.publish()
	}
	if s.cfg.Write != "" {
		if err := s.save(p); err != nil {
			return err
		}
	}
	switch {
	case s.view != nil:
		s.d.Decode(p.Link, p.Data)
		s.out = s.view.packet(s.out, &s.d, p.Time)
	case s.cfg.Write != "" || s.cfg.CountOnly:
	case s.cfg.JSON:
		s.out = s.printer.AppendJSON(s.out, p)
	default:
		s.out = s.printer.AppendPacket(s.out, p)
	}
	if len(s.out) >= outputSize || s.cfg.LineBuffered {
		return s.flush()
	}
	return nil
}

const outputSize = 32 << 10

// idle uses the time before the next packet to show what there is.
func (s *session) idle() error {
	s.publish()
	if s.view != nil {
		s.out = s.view.advance(s.out)
	}
	if err := s.flush(); err != nil {
		return err
	}
	if s.cfg.Write == "" {
		return nil
	}
	hold := flushEvery
	if s.cfg.KeyLog != "" {
		hold = holdForSecrets
	}
	if !s.cfg.PacketBuffered && s.live.Await(hold) {
		return nil
	}
	return s.flushFile()
}

// flush writes the lines.
func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.cfg.Out.Write(s.out)
	s.out = s.out[:0]
	return err
}

// takeSecrets hands on the secrets that a file brings along.
func (s *session) takeSecrets() {
	if more := s.read.Secrets(s.secretsRead); more != nil {
		s.secretsRead += len(more)
		s.keys.Add(more)
	}
}

// finish shows the end of everything.
func (s *session) finish() error {
	if s.view != nil {
		s.out = s.view.close(s.out)
		if f, ok := s.view.feed.(*httpview.Follow); ok && !f.Found() {
			s.say("there was no TCP connection %d", s.cfg.Follow)
		}
	}
	if s.cfg.CountOnly {
		s.out = append(plural(s.out, s.count.Load(), "packet"), '\n')
	}
	err := s.flush()
	if s.cfg.Write != "" {
		err = errors.Join(err, s.finishFile())
	}
	if s.live != nil {
		s.say("%s", s.counts())
	}
	return err
}

// counts says how the capture went, in tcpdump's words.
func (s *session) counts() string {
	b := plural(nil, s.count.Load(), "packet")
	b = append(b, " captured"...)
	if s.live == nil {
		return string(b)
	}
	stats, err := s.live.Stats()
	if err != nil {
		return string(b) + "\n" + err.Error()
	}
	b = append(plural(append(b, '\n'), stats.Received, "packet"), " received by filter"...)
	b = append(plural(append(b, '\n'), stats.Dropped, "packet"), " dropped by kernel"...)
	if stats.Freezes > 0 {
		b = append(plural(append(b, " (the ring was full "...), stats.Freezes, "time"), ')')
	}
	return string(b)
}

func plural(dst []byte, n uint64, what string) []byte {
	dst = fmt.Appendf(dst, "%d %s", n, what)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}

func (s *session) close() error {
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	if s.src != nil {
		err = errors.Join(err, s.src.Close())
	}
	return err
}
