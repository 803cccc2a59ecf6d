package sniff

import (
	"errors"
	"fmt"

	"sonde/capture"
	"sonde/capture/keylog"
)

// open makes everything ready, and then gives up the privileges.
func (s *session) open() error {
	s.keys = &keylog.Log{}
	if s.cfg.KeyLog != "" {
		keys, err := keylog.Open(s.cfg.KeyLog)
		if err != nil {
			return fmt.Errorf("sniff: key log: %w", err)
		}
		s.keys = keys
	}
	var err error
	if s.cfg.Read != "" {
		err = s.openFile()
	} else {
		err = s.openLive()
	}
	if err != nil {
		return err
	}
	s.openView()
	// Who becomes another user writes files as that user, and is to hear at once
	// when they cannot be written, not when the first one is full.
	early, late := s.live != nil && s.cfg.Write != "", false
	if s.cfg.User != "" {
		early, late = false, early
	}
	if early {
		if err := s.create(); err != nil {
			return err
		}
	}
	if err := s.drop(); err != nil {
		return err
	}
	if late {
		return s.create()
	}
	return nil
}

func (s *session) openFile() error {
	r, err := capture.OpenFile(s.cfg.Read)
	if err != nil {
		return err
	}
	s.src, s.read = r, r
	s.keep = &matcher{cfg: &s.cfg}
	s.printer = NewPrinter(s.cfg.Style, nil)
	text := ""
	if i := r.Interfaces(); len(i) > 0 {
		text = fmt.Sprintf(", link-type %v (%s), snapshot length %d", i[0].Link, i[0].Link.Description(), i[0].SnapLen)
	}
	s.say("reading from file %s%s", s.cfg.Read, text)
	return nil
}

func (s *session) openLive() error {
	c := s.cfg.Capture
	name, err := ResolveInterface(s.cfg.Interface)
	if err != nil {
		return err
	}
	c.Interface = name
	l, err := s.openFiltered(c)
	if err != nil {
		return err
	}
	s.src, s.live = l, l
	s.printer = NewPrinter(s.cfg.Style, interfaceNames())
	i := l.Interfaces()[0]
	s.say("listening on %s, link-type %v (%s), snapshot length %d bytes", i.Name, i.Link, i.Link.Description(), i.SnapLen)
	return nil
}

// openFiltered compiles the filter and opens the source. A program that the kernel
// cannot run, because of a loop or on "any", runs in this process: on packets
// that are whole again, so that those for files are right.
func (s *session) openFiltered(c capture.Config) (*capture.Live, error) {
	if s.cfg.Filter == "" {
		return capture.Open(c)
	}
	link, err := capture.LinkOf(c.Interface)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Compile(s.cfg.Filter, link, capture.MaxSnapLen, true)
	if err != nil {
		return nil, err
	}
	c.Filter, c.Expression = p.Raw(), s.cfg.Filter
	l, err := capture.Open(c)
	if !errors.Is(err, capture.ErrFilter) {
		return l, err
	}
	c.Filter = nil
	if l, err = capture.Open(c); err == nil {
		s.say("the kernel cannot run this filter: it runs here, and all packets come up to it")
		s.keep = &matcher{cfg: &s.cfg}
	}
	return l, err
}

// drop gives up what is not needed any more. Without another user to become, a
// file that is read needs none in the first place.
func (s *session) drop() error {
	if s.cfg.KeepPrivileges || s.live == nil && s.cfg.User == "" {
		return nil
	}
	keep := uint32(0)
	if f := &s.cfg.File; s.cfg.Write != "" && (f.MaxSize > 0 || f.MaxPackets > 0 || f.Every > 0) {
		keep = mayWrite
	}
	err := dropPrivileges(s.cfg.User, keep)
	if errors.Is(err, errors.ErrUnsupported) && s.cfg.User == "" {
		if !s.cfg.Style.Quiet { // no error: it captures as well with them
			s.say("all privileges are kept: in a program built with cgo Go cannot reach all threads; CGO_ENABLED=0 makes one that drops them")
		}
		return nil
	}
	return err
}

// matcher runs the filter over packets of a file, with one program for each link
// type that turns up.
type matcher struct {
	cfg      *Config
	link     capture.LinkType
	program  Program
	programs map[capture.LinkType]Program
}

func (m *matcher) match(p *capture.Packet) (bool, error) {
	if m.cfg.Filter == "" {
		return true, nil
	}
	if m.program == nil || p.Link != m.link {
		if err := m.use(p.Link); err != nil {
			return false, err
		}
	}
	return m.program.Match(p.Data, p.Length), nil
}

func (m *matcher) use(link capture.LinkType) error {
	if m.programs[link] == nil {
		p, err := m.cfg.Compile(m.cfg.Filter, link, capture.MaxSnapLen, false)
		if err != nil {
			return err
		}
		if m.programs == nil {
			m.programs = map[capture.LinkType]Program{}
		}
		m.programs[link] = p
	}
	m.link, m.program = link, m.programs[link]
	return nil
}
