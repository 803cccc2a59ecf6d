package capture

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// pcapngState is where the reader of a pcapng file stands.
type pcapngState struct {
	base   int     // index of the section's first interface
	clocks []clock // of the section's interfaces
}

// maxInterfaces bounds what a file can make the reader remember.
const maxInterfaces = 1 << 16

// beginPcapng reads the first section's header.
func (r *Reader) beginPcapng() error {
	r.format = PCAPNG
	r.next = (*Reader).nextPcapng
	if err := r.section(); err != nil {
		return r.ending(err)
	}
	return nil
}

// nextPcapng reads blocks until one holds a packet.
func (r *Reader) nextPcapng(p *Packet) error {
	for {
		h, err := r.in.peek(12)
		if err != nil {
			return err
		}
		kind := r.order.Uint32(h)
		if kind == blockSection {
			if err := r.section(); err != nil {
				return err
			}
			continue
		}
		total := r.order.Uint32(h[4:])
		if total < 12 || total&3 != 0 {
			return r.damaged("a block of type %#x claims %d bytes", kind, total)
		}
		if !known(kind) {
			if err := r.in.skip(int64(total)); err != nil {
				return err
			}
			continue
		}
		body, err := r.block(total)
		if err != nil {
			return err
		}
		packet, err := r.open(kind, body, p)
		if packet || err != nil {
			return err
		}
	}
}

func known(kind uint32) bool {
	switch kind {
	case blockInterface, blockOldPacket, blockSimple, blockStatistics, blockEnhanced, blockSecrets:
		return true
	}
	return false
}

// block steps over the block at hand and returns its body, between the two
// lengths, which must agree.
func (r *Reader) block(total uint32) ([]byte, error) {
	if total > maxRecord {
		return nil, r.damaged("a block claims %d bytes", total)
	}
	b, err := r.in.peek(int(total))
	if err != nil {
		return nil, err
	}
	if again := r.order.Uint32(b[total-4:]); again != total {
		return nil, r.damaged("a block of %d bytes says %d at its end", total, again)
	}
	r.in.take(len(b))
	return b[8 : total-4], nil
}

// open reads the body of a known block. It reports whether that was a packet,
// which p then holds.
func (r *Reader) open(kind uint32, b []byte, p *Packet) (bool, error) {
	switch kind {
	case blockInterface:
		return false, r.openInterface(b)
	case blockStatistics:
		r.openStatistics(b)
	case blockSecrets:
		r.openSecrets(b)
	case blockSimple:
		return true, r.openSimple(b, p)
	case blockEnhanced:
		if len(b) < 20 {
			return false, r.damaged("a packet block is too short")
		}
		return true, r.openPacket(b, r.order.Uint32(b), p)
	case blockOldPacket:
		if len(b) < 20 {
			return false, r.damaged("a packet block is too short")
		}
		return true, r.openPacket(b, uint32(r.order.Uint16(b)), p)
	}
	return false, nil
}

// section reads a section header block, whose byte order is its own.
func (r *Reader) section() error {
	h, err := r.in.peek(12)
	if err != nil {
		return err
	}
	switch {
	case binary.LittleEndian.Uint32(h[8:]) == byteOrderMagic:
		r.order = binary.LittleEndian
	case binary.BigEndian.Uint32(h[8:]) == byteOrderMagic:
		r.order = binary.BigEndian
	default:
		return r.damaged("a section without a byte-order mark")
	}
	total := r.order.Uint32(h[4:])
	if total < 28 || total&3 != 0 {
		return r.damaged("a section header claims %d bytes", total)
	}
	b, err := r.block(total)
	if err != nil {
		return err
	}
	if major := r.order.Uint16(b[4:]); major != 1 {
		return r.damaged("pcapng version %d.%d", major, r.order.Uint16(b[6:]))
	}
	r.pcapng.base = len(r.ifaces)
	r.pcapng.clocks = r.pcapng.clocks[:0]
	return nil
}

// openInterface reads an interface description block.
func (r *Reader) openInterface(b []byte) error {
	if len(b) < 8 {
		return r.damaged("an interface block is too short")
	}
	if len(r.ifaces) >= maxInterfaces {
		return r.damaged("more than %d interfaces", maxInterfaces)
	}
	i := Interface{Link: fileLink(uint32(r.order.Uint16(b))), SnapLen: int(min(r.order.Uint32(b[4:]), maxRecord))}
	c := microseconds
	for code, v := range r.options(b[8:]) {
		switch {
		case code == ifName:
			i.Name = string(v)
		case code == ifDescription:
			i.Description = string(v)
		case code == ifHardware:
			i.Hardware = string(v)
		case code == ifOS:
			i.OS = string(v)
		case code == ifFilter && len(v) > 1 && v[0] == 0:
			i.Filter = string(v[1:])
		case code == ifMAC && len(v) == 6:
			i.MAC = [6]byte(v)
		case code == ifSpeed && len(v) == 8:
			i.Speed = r.order.Uint64(v)
		case code == ifResolution && len(v) == 1:
			c.setResolution(v[0])
		case code == ifOffset && len(v) == 8:
			c.offset = int64(r.order.Uint64(v))
		}
	}
	i.Resolution = c.perSecond()
	r.pcapng.clocks = append(r.pcapng.clocks, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ifaces = append(r.ifaces, i)
	r.counts = append(r.counts, Stats{})
	return nil
}

// openPacket reads an enhanced packet block, or an old one, which only names
// the interface differently.
func (r *Reader) openPacket(b []byte, iface uint32, p *Packet) error {
	if int64(iface) >= int64(len(r.pcapng.clocks)) {
		return r.damaged("a packet of interface %d, the section has %d", iface, len(r.pcapng.clocks))
	}
	caplen, length := r.order.Uint32(b[12:]), r.order.Uint32(b[16:])
	if int64(caplen) > int64(len(b)-20) || length > 1<<30 {
		return r.damaged("a packet claims %d bytes of %d in a block of %d", caplen, length, len(b)+12)
	}
	ticks := uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:]))
	p.Interface = r.pcapng.base + int(iface)
	p.Time = r.pcapng.clocks[iface].nanoseconds(ticks)
	p.Link = r.ifaces[p.Interface].Link
	p.Data = b[20 : 20+caplen : 20+caplen]
	p.Length = int(length)
	if rest := b[20:]; pad4(int(caplen)) < len(rest) {
		r.packetOptions(rest[pad4(int(caplen)):], p)
	}
	return nil
}

// packetOptions reads direction, process and comments.
func (r *Reader) packetOptions(b []byte, p *Packet) {
	for code, v := range r.options(b) {
		switch {
		case code == epbFlags && len(v) == 4:
			flags := r.order.Uint32(v)
			p.Direction = Direction(flags & 3)
			p.Reception = Reception(flags >> 2 & 7)
		case code == epbProcess && len(v) == 8:
			p.Process.PID = int32(r.order.Uint32(v))
		case code == optComment:
			text := string(v)
			if name, ok := processName(text); ok && p.Process.Name == "" {
				p.Process.Name = name
			} else if p.Comment == "" {
				p.Comment = text
			} else {
				p.Comment += "\n" + text
			}
		}
	}
}

// processName reads what appendProcess wrote.
func processName(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, processPrefix)
	if !ok {
		return "", false
	}
	i := strings.LastIndex(rest, " (pid ")
	if i < 0 || !strings.HasSuffix(rest, ")") {
		return "", false
	}
	if _, err := strconv.ParseInt(rest[i+6:len(rest)-1], 10, 32); err != nil {
		return "", false
	}
	return rest[:i], true
}

// openSimple reads a simple packet block: no time, the section's first
// interface, and only the length on the wire.
func (r *Reader) openSimple(b []byte, p *Packet) error {
	if len(b) < 4 {
		return r.damaged("a simple packet block is too short")
	}
	if len(r.pcapng.clocks) == 0 {
		return r.damaged("a simple packet before any interface")
	}
	i := &r.ifaces[r.pcapng.base]
	length := r.order.Uint32(b)
	caplen := min(int64(length), int64(len(b)-4))
	if i.SnapLen > 0 {
		caplen = min(caplen, int64(i.SnapLen))
	}
	if length > 1<<30 {
		return r.damaged("a packet claims %d bytes", length)
	}
	p.Data = b[4 : 4+caplen : 4+caplen]
	p.Length, p.Time, p.Interface, p.Link = int(length), 0, r.pcapng.base, i.Link
	return nil
}

// openStatistics notes the latest counters of an interface.
func (r *Reader) openStatistics(b []byte) {
	if len(b) < 12 {
		return
	}
	iface := int64(r.order.Uint32(b))
	if iface >= int64(len(r.pcapng.clocks)) {
		return
	}
	var s Stats
	for code, v := range r.options(b[12:]) {
		switch {
		case len(v) != 8:
		case code == isbReceived && s.Received == 0, code == isbAccepted:
			s.Received = r.order.Uint64(v)
		case code == isbDropped:
			s.Dropped = r.order.Uint64(v)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[r.pcapng.base+int(iface)] = s
}

// openSecrets keeps the lines of a TLS key log.
func (r *Reader) openSecrets(b []byte) {
	if len(b) < 8 || r.order.Uint32(b) != secretsTLS {
		return
	}
	n := r.order.Uint32(b[4:])
	if int64(n) > int64(len(b)-8) || len(r.secrets)+int(n) > maxRecord {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, b[8:8+n]...)
	if n > 0 && r.secrets[len(r.secrets)-1] != '\n' {
		r.secrets = append(r.secrets, '\n')
	}
}

// options walks over a block's options as far as they make sense.
func (r *Reader) options(b []byte) func(yield func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, n := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
			if code == optEnd || 4+n > len(b) || !yield(code, b[4:4+n]) {
				return
			}
			b = b[min(4+pad4(n), len(b)):]
		}
	}
}
