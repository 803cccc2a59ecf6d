package sniff

import (
	"errors"

	"sonde/capture"
	"sonde/capture/keylog"
)

// create makes the file, or takes the output for "-". For a file that is read it
// waits for the first packet, when the interfaces are known.
func (s *session) create() error {
	cfg := s.cfg.File
	cfg.Interfaces = s.src.Interfaces()
	cfg.Section.Program = "sonde sniff"
	if s.cfg.KeyLog != "" {
		if cfg.Format != capture.PCAPNG {
			s.say("the secrets of the key log are not written: pcap files cannot hold them, pcapng files can")
		}
		cfg.Private = true
		cfg.Buffer = max(cfg.Buffer, 4<<20) // secrets must come before the packets, and are known later
	}
	if s.cfg.Write == "-" {
		w, err := capture.NewWriter(s.cfg.Out, cfg.WriterConfig)
		s.stdout = w
		return err
	}
	f, err := capture.Create(s.cfg.Write, cfg)
	s.file = f
	return err
}

// writer is where packets go.
func (s *session) writer() packetWriter {
	if s.file != nil {
		return s.file
	}
	return s.stdout
}

type packetWriter interface {
	WritePacket(*capture.Packet) error
	WriteReady(l *capture.Live, most int) (int, error)
	WriteSecrets([]byte) error
	WriteStats(int, capture.Stats) error
	AddInterface(capture.Interface) (int, error)
	InterfaceCount() int
	Flush() error
}

// save writes a packet.
func (s *session) save(p *capture.Packet) error {
	if s.file == nil && s.stdout == nil {
		if err := s.create(); err != nil {
			return err
		}
		if err := s.saveSecrets(); err != nil {
			return err
		}
	}
	w := s.writer()
	for all := s.src.Interfaces; w.InterfaceCount() <= p.Interface; {
		if _, err := w.AddInterface(all()[w.InterfaceCount()]); err != nil {
			return err
		}
	}
	if s.read != nil || s.taken&0xff == 1 {
		if err := s.saveSecrets(); err != nil {
			return err
		}
	}
	if err := w.WritePacket(p); err != nil {
		return err
	}
	if s.cfg.PacketBuffered && s.live == nil {
		return w.Flush()
	}
	return nil
}

// saveSecrets writes the secrets that are new, before the packets that they
// decrypt, as far as they are known by then.
func (s *session) saveSecrets() error {
	if s.cfg.KeyLog != "" {
		s.keys.Lookup(keylog.ClientRandom, [32]byte{}) // of nobody: it reads what is new in the file
	}
	if s.keys.Len() == s.secretsSaved || s.cfg.File.Format != capture.PCAPNG {
		return nil
	}
	text := s.keys.Append(nil, s.secretsSaved)
	s.secretsSaved = s.keys.Len()
	return s.writer().WriteSecrets(text)
}

// flushFile writes what is in memory.
func (s *session) flushFile() error {
	if s.file == nil && s.stdout == nil {
		return nil
	}
	return errors.Join(s.saveSecrets(), s.writer().Flush())
}

// finishFile writes the last words.
func (s *session) finishFile() error {
	if s.file == nil && s.stdout == nil {
		if len(s.src.Interfaces()) == 0 && s.cfg.File.Format != capture.PCAPNG {
			return nil // a pcap file needs a link type
		}
		if err := s.create(); err != nil {
			return err
		}
	}
	err := s.saveSecrets()
	if s.live != nil {
		stats, e := s.live.Stats()
		stats.Captured = s.taken
		err = errors.Join(err, e, s.writer().WriteStats(0, stats))
	}
	return errors.Join(err, s.writer().Flush())
}
