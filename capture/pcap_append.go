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
	t := uint64(p.Time)
	sec := t / 1e9
	frac := t - sec*1e9
	if unit != 1 {
		frac /= unit
	}
	return appendRecord(b, uint32(sec), uint32(frac), uint32(max(p.Length, 0)), p.Data)
}

// appendRecord adds a packet of a time in seconds and the file's ticks. Two fields
// are one store each time.
func appendRecord(b []byte, sec, frac, length uint32, data []byte) []byte {
	at := len(b)
	b = grow(b, pcapRecord+len(data))
	h := b[at:]
	caplen := uint32(len(data))
	le.PutUint64(h[0:], uint64(sec)|uint64(frac)<<32)
	le.PutUint64(h[8:], uint64(caplen)|uint64(max(length, caplen))<<32)
	copy(h[pcapRecord:], data)
	return b
}
