package decode

import "encoding/binary"

// IPv6 is an IPv6 header (RFC 8200), with its extension headers by place.
type IPv6 struct {
	Class      uint8
	Label      uint32 // 20 bits
	PayloadLen uint16 // as sent; zero is a jumbogram, or a segment still to be cut
	Next       IPProto
	HopLimit   uint8
	Src, Dst   [16]byte
	exts       [maxExtensions]Extension
	n          uint8
}

// maxExtensions is how many extension headers are read. RFC 8200 lists seven
// kinds, of which one may come twice.
const maxExtensions = 8

// Extension is one extension header. Body is what follows its next-header byte.
type Extension struct {
	Kind IPProto
	Body []byte
}

// Extensions returns the extension headers, in memory of h; they are valid with
// LayerExtensions.
func (h *IPv6) Extensions() []Extension { return h.exts[:h.n] }

// SegmentsLeft returns the field of a routing header, and whether e is one.
func (e Extension) SegmentsLeft() (kind, left uint8, ok bool) {
	if e.Kind != ProtoRouting || len(e.Body) < 3 {
		return 0, 0, false
	}
	return e.Body[1], e.Body[2], true
}

func (p *Packet) ipv6(b []byte, at int) {
	if len(b) < 40 {
		p.fail(LayerIPv6, FaultTruncated, b, len(b))
		return
	}
	if b[0]>>4 != 6 {
		p.fail(LayerIPv6, FaultVersion, b, len(b))
		return
	}
	h := &p.IPv6
	first := binary.BigEndian.Uint32(b)
	h.Class, h.Label = uint8(first>>20), first&0xfffff
	h.PayloadLen = binary.BigEndian.Uint16(b[4:])
	h.Next, h.HopLimit = IPProto(b[6]), b[7]
	copy(h.Src[:], b[8:24])
	copy(h.Dst[:], b[24:40])
	h.n = 0
	p.Has |= LayerIPv6
	p.Proto = h.Next
	p.network = at

	n := int(h.PayloadLen)
	if n == 0 && len(b) > 40 && h.Next != ProtoNone {
		n = len(b) - 40
	}
	body := b[40:min(40+n, len(b))]
	if isExtension(h.Next) {
		p.extensions(body, at+40, n)
		return
	}
	p.transport(body, at+40, n, true)
}

func isExtension(x IPProto) bool {
	switch x {
	case ProtoHopByHop, ProtoRouting, ProtoFragment, ProtoAH, ProtoDestOpts,
		ProtoMobility, ProtoHIP, ProtoShim6:
		return true
	}
	return false
}

// extensions walks the chain of headers; n bytes of them and what they carry
// were on the wire.
func (p *Packet) extensions(b []byte, at, n int) {
	h, fragment := &p.IPv6, false
	for isExtension(p.Proto) {
		size, fault := extensionSize(p.Proto, b)
		if fault == FaultNone && h.n == maxExtensions {
			fault = FaultTooMany
		}
		if fault == FaultNone && size > n {
			fault = FaultLength
		}
		if fault != FaultNone {
			p.fail(LayerExtensions, fault, b, n)
			return
		}
		h.exts[h.n] = Extension{Kind: p.Proto, Body: b[1:size]}
		h.n++
		p.Has |= LayerExtensions
		kind := p.Proto
		head := b[:size]
		p.Proto = IPProto(b[0])
		b, at, n = b[size:], at+size, n-size
		if kind == ProtoFragment && p.fragment6(head, b, n) {
			if p.Fragment.Offset != 0 {
				p.end(b, n)
				return
			}
			fragment = true
		}
		// Headers behind the fragment header belong to the whole datagram, and the
		// rest of them may be in another fragment.
		if fragment && isExtension(p.Proto) {
			p.end(b, n)
			return
		}
	}
	p.transport(b, at, n, true)
}

// fragment6 reads a fragment header. A fragment that is all of its datagram
// (RFC 6946) is none.
func (p *Packet) fragment6(head, body []byte, n int) bool {
	off := binary.BigEndian.Uint16(head[2:])
	if off&^6 == 0 {
		return false
	}
	p.Has |= LayerFragment
	p.Fragment = Fragment{
		ID:     binary.BigEndian.Uint32(head[4:]),
		Offset: int(off &^ 7),
		More:   off&1 != 0,
		Proto:  p.Proto,
		Body:   body,
		Length: n,
	}
	return true
}

// extensionSize returns how many bytes the header at the start of b has.
func extensionSize(kind IPProto, b []byte) (int, Fault) {
	if len(b) < 8 {
		return 0, FaultTruncated
	}
	size := 8
	switch kind {
	case ProtoFragment:
	case ProtoAH: // RFC 4302, section 2.2: in words of four bytes, less two
		size = (int(b[1]) + 2) * 4
		if size < 12 {
			return 0, FaultHeader
		}
	default:
		size = (int(b[1]) + 1) * 8
	}
	if len(b) < size {
		return 0, FaultTruncated
	}
	return size, FaultNone
}
