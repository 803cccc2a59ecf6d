package capture

import (
	"encoding/binary"
	"fmt"
)

// pcapState is what the header of a pcap file says.
type pcapState struct {
	unit    int64 // nanoseconds of a tick
	link    LinkType
	swapped bool // versions up to 2.3 may have the two lengths the other way round
}

// LinkTypeError is a file whose packets start with something that sonde does not
// know.
type LinkTypeError struct{ Link LinkType }

// Error names the link type.
func (e *LinkTypeError) Error() string {
	return fmt.Sprintf("capture: link type %d (%s) is not supported", uint16(e.Link), e.Link.Description())
}

// beginPcap reads the header of a pcap file.
func (r *Reader) beginPcap(magic []byte) error {
	r.pcap.unit = 1000
	r.format = PCAPMicro
	switch le, be := binary.LittleEndian.Uint32(magic), binary.BigEndian.Uint32(magic); {
	case le == pcapMicro:
		r.order = binary.LittleEndian
	case be == pcapMicro:
		r.order = binary.BigEndian
	case le == pcapNano:
		r.order, r.pcap.unit, r.format = binary.LittleEndian, 1, PCAP
	case be == pcapNano:
		r.order, r.pcap.unit, r.format = binary.BigEndian, 1, PCAP
	default:
		return fmt.Errorf("%w: it starts with % x", ErrFormat, magic)
	}
	h, err := r.in.peek(pcapHeader)
	if err != nil {
		return fmt.Errorf("%w: its header is cut short", ErrFormat)
	}
	major, minor := r.order.Uint16(h[4:]), r.order.Uint16(h[6:])
	if major != 2 {
		return fmt.Errorf("%w: pcap version %d.%d", ErrFormat, major, minor)
	}
	snap := r.order.Uint32(h[16:])
	link := fileLink(r.order.Uint32(h[20:]))
	r.in.take(pcapHeader)
	if !link.supported() {
		return &LinkTypeError{link}
	}
	r.pcap.link, r.pcap.swapped = link, minor <= 3
	r.ifaces = []Interface{{Link: link, SnapLen: int(min(snap, maxRecord)), Resolution: 1e9 / uint64(r.pcap.unit)}}
	r.next = (*Reader).nextPcap
	return nil
}

// fileLink reads the link field of a pcap file, whose upper half may tell about
// frame check sequences, and evens out what systems number differently.
func fileLink(v uint32) LinkType {
	switch l := LinkType(v); l {
	case linkBSDRawNum, linkOpenRawNum:
		return LinkRaw
	default:
		return l
	}
}

// nextPcap reads one packet.
func (r *Reader) nextPcap(p *Packet) error {
	h, err := r.in.peek(pcapRecord)
	if err != nil {
		return err
	}
	sec, frac := r.order.Uint32(h[0:]), r.order.Uint32(h[4:])
	caplen, length := r.order.Uint32(h[8:]), r.order.Uint32(h[12:])
	if r.pcap.swapped && caplen > length {
		caplen, length = length, caplen
	}
	if caplen > maxRecord || length > 1<<30 {
		return r.damaged("a packet claims %d bytes of %d", caplen, length)
	}
	rec, err := r.in.peek(pcapRecord + int(caplen))
	if err != nil {
		return err
	}
	r.in.take(len(rec))
	p.Data = rec[pcapRecord:]
	p.Time = int64(sec)*1e9 + int64(frac)*r.pcap.unit
	p.Length = int(length)
	p.Interface = 0
	p.Link = r.pcap.link
	return nil
}
