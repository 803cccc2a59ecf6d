package capture

// The classic pcap format: one header for the file, sixteen bytes before each
// packet.
const (
	pcapMicro  = 0xa1b2c3d4
	pcapNano   = 0xa1b23c4d
	pcapHeader = 24
	pcapRecord = 16
)

// appendPcapHeader starts a file.
func appendPcapHeader(b []byte, magic uint32, link LinkType, snap int) []byte {
	if snap == 0 {
		snap = MaxSnapLen
	}
	b = le.AppendUint32(b, magic)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0) // zone and accuracy: always zero
	b = le.AppendUint32(b, uint32(snap))
	return le.AppendUint32(b, uint32(link))
}

// appendPcapPacket adds a packet; unit is how many nanoseconds a tick has.
func appendPcapPacket(b []byte, p *Packet, unit uint64) []byte {
	at := len(b)
	b = grow(b, pcapRecord+len(p.Data))
	h := b[at:]
	t := uint64(p.Time)
	sec := t / 1e9
	frac := t - sec*1e9
	if unit != 1 {
		frac /= unit
	}
	le.PutUint32(h[0:], uint32(sec))
	le.PutUint32(h[4:], uint32(frac))
	le.PutUint32(h[8:], uint32(len(p.Data)))
	le.PutUint32(h[12:], uint32(max(p.Length, len(p.Data))))
	copy(h[pcapRecord:], p.Data)
	return b
}
