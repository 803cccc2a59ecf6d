package main

import (
	"fmt"
	"io"

	"sonde/capture"
	"sonde/capture/filter"
	"sonde/capture/sniff"
)

// dumpFilter prints the program that would run on the file, or the interface, or
// without either on Ethernet.
func (f *sniffFlags) dumpFilter() error {
	link, live, err := f.link()
	if err != nil {
		return err
	}
	l, ok := filter.LinkTypeFromPcap(uint32(link))
	if !ok {
		return fmt.Errorf("there are no filters for %s", link.Description())
	}
	p, err := filter.Compile(f.cfg.Filter, filter.Options{LinkType: l, SnapLen: f.snap, Live: live})
	if err != nil {
		return err
	}
	text := p.Dump()
	switch f.dump {
	case 1:
	case 2:
		text = p.DumpC()
	default:
		text = p.DumpDecimal()
	}
	_, err = io.WriteString(f.cfg.Out, text)
	return err
}

// link is the link type that a filter is for, and whether packets are live.
func (f *sniffFlags) link() (capture.LinkType, bool, error) {
	switch {
	case f.cfg.Read != "":
		r, err := capture.OpenFile(f.cfg.Read)
		if err != nil {
			return 0, false, err
		}
		defer r.Close()
		if err := r.Next(new(capture.Packet)); err != nil && len(r.Interfaces()) == 0 {
			return 0, false, fmt.Errorf("%s: no packet says what its link type is: %w", f.cfg.Read, err)
		}
		return r.Interfaces()[0].Link, false, nil
	case f.cfg.Interface != "":
		name, err := sniff.ResolveInterface(f.cfg.Interface)
		if err != nil {
			return 0, false, err
		}
		link, err := capture.LinkOf(name)
		return link, true, err
	}
	return capture.LinkEthernet, false, nil
}
