package capture

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// The writer's blocks are little-endian. Each append function adds one whole
// block, so that a file that was cut between two writes is still readable.
var le = binary.LittleEndian

// Section is what a file says about itself at its start.
type Section struct {
	Hardware string // the machine, as free text
	OS       string
	Program  string // empty is "sonde"
	Comment  string
}

// beginBlock starts a block and returns where, for endBlock.
func beginBlock(b []byte, kind uint32) ([]byte, int) {
	at := len(b)
	b = le.AppendUint32(b, kind)
	return le.AppendUint32(b, 0), at
}

// endBlock fills in the length of the block that starts at at.
func endBlock(b []byte, at int) []byte {
	n := uint32(len(b) - at + 4)
	le.PutUint32(b[at+4:], n)
	return le.AppendUint32(b, n)
}

func appendPadding(b []byte, n int) []byte {
	const zeros = "\x00\x00\x00"
	return append(b, zeros[:pad4(n)-n]...)
}

// appendText adds an option, or nothing when there is no text.
func appendText(b []byte, code uint16, text string) []byte {
	if text == "" {
		return b
	}
	text = text[:min(len(text), 0xffff)]
	b = le.AppendUint16(b, code)
	b = le.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	return appendPadding(b, len(text))
}

func appendUint64Option(b []byte, code uint16, v uint64) []byte {
	b = le.AppendUint16(b, code)
	b = le.AppendUint16(b, 8)
	return le.AppendUint64(b, v)
}

func appendEnd(b []byte) []byte { return le.AppendUint32(b, optEnd) }

// appendSection adds the header that starts a file.
func appendSection(b []byte, s *Section) []byte {
	b, at := beginBlock(b, blockSection)
	b = le.AppendUint32(b, byteOrderMagic)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, ^uint64(0)) // length unknown
	b = appendText(b, optComment, s.Comment)
	b = appendText(b, shbHardware, s.Hardware)
	b = appendText(b, shbOS, s.OS)
	program := s.Program
	if program == "" {
		program = "sonde"
	}
	b = appendText(b, shbProgram, program)
	return endBlock(appendEnd(b), at)
}

// appendInterface adds an interface; its time stamps are nanoseconds.
func appendInterface(b []byte, i *Interface) []byte {
	b, at := beginBlock(b, blockInterface)
	b = le.AppendUint16(b, uint16(i.Link))
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, uint32(i.SnapLen))
	b = appendText(b, ifName, i.Name)
	b = appendText(b, ifDescription, i.Description)
	if i.MAC != [6]byte{} {
		b = appendText(b, ifMAC, string(i.MAC[:]))
	}
	if i.Speed != 0 {
		b = appendUint64Option(b, ifSpeed, i.Speed)
	}
	b = appendText(b, ifResolution, "\x09")
	if i.Filter != "" {
		b = appendText(b, ifFilter, "\x00"+i.Filter) // 0: an expression, as text
	}
	b = appendText(b, ifOS, i.OS)
	b = appendText(b, ifHardware, i.Hardware)
	return endBlock(appendEnd(b), at)
}

// enhancedHeader is the length of an enhanced packet block before its data.
const enhancedHeader = 28

// appendEnhanced adds a packet.
func appendEnhanced(b []byte, p *Packet, n *notes) []byte {
	flags := packetFlags(p.Direction, p.Reception)
	if p.Comment == "" && p.Process == (Process{}) {
		return appendPlain(b, p.Interface, p.Time, p.Length, flags, p.Data)
	}
	at, options := len(b), n.of(p)
	data := enhancedHeader + pad4(len(p.Data))
	size := data + len(options) + 8 // the end of options, the block's length
	if flags != 0 {
		size += 8
	}
	b = grow(b, size)
	h := b[at : at+size : at+size]
	putEnhanced(h, p.Interface, p.Time, p.Length, p.Data)
	o := h[data:]
	if flags != 0 {
		le.PutUint64(o, epbFlags|4<<16|uint64(flags)<<32)
		o = o[8:]
	}
	copy(o, options)
	le.PutUint64(h[size-8:], optEnd|uint64(size)<<32)
	return b
}

// packetFlags is the option epb_flags of a packet; zero says nothing.
func packetFlags(d Direction, r Reception) uint32 { return uint32(d) | uint32(r)<<2 }

// appendPlain adds a packet that nothing is known about but its flags.
func appendPlain(b []byte, iface int, time int64, length int, flags uint32, data []byte) []byte {
	at, end := len(b), enhancedHeader+pad4(len(data))
	size := end + 4
	if flags != 0 {
		size += 8 + 4
	}
	b = grow(b, size)
	h := b[at : at+size : at+size]
	putEnhanced(h, iface, time, length, data)
	if flags != 0 {
		le.PutUint64(h[end:], epbFlags|4<<16|uint64(flags)<<32)
		le.PutUint32(h[end+8:], optEnd)
	}
	le.PutUint32(h[size-4:], uint32(size))
	return b
}

// putEnhanced fills in a packet's block up to its options, by offsets, and two
// fields with one store. The block is as long as h.
func putEnhanced(h []byte, iface int, time int64, length int, data []byte) {
	caplen := len(data)
	le.PutUint64(h[0:], blockEnhanced|uint64(len(h))<<32)
	le.PutUint64(h[8:], uint64(uint32(iface))|uint64(time)>>32<<32)
	le.PutUint64(h[16:], uint64(uint32(time))|uint64(caplen)<<32)
	le.PutUint32(h[24:], uint32(max(length, caplen)))
	// The padding first, as a word over the end of the data's room.
	if caplen&3 != 0 {
		le.PutUint32(h[enhancedHeader+caplen&^3:], 0)
	}
	copy(h[enhancedHeader:], data)
}

// notes are the options for the comment and the process of the latest packet that
// had any: the next packet often has the same.
type notes struct {
	comment string
	process Process
	options []byte
}

// of returns those of p.
func (n *notes) of(p *Packet) []byte {
	if len(n.options) > 0 && n.process == p.Process && n.comment == p.Comment {
		return n.options
	}
	n.comment, n.process = p.Comment, p.Process
	b := n.options[:0]
	if p.Comment != "" {
		for line := range strings.SplitSeq(p.Comment, "\n") {
			b = appendText(b, optComment, line)
		}
	}
	if p.Process.PID != 0 {
		b = le.AppendUint16(b, epbProcess)
		b = le.AppendUint16(b, 8)
		b = le.AppendUint32(b, uint32(p.Process.PID))
		b = le.AppendUint32(b, 0) // no thread
	}
	if p.Process.Name != "" {
		b = appendProcess(b, p.Process)
	}
	n.options = b
	return b
}

// appendProcess adds a process's name, as a comment: pcapng has an option for its
// number only. It is written in place, since formatting it cost each packet more
// than all the rest.
func appendProcess(b []byte, p Process) []byte {
	at := len(b)
	b = le.AppendUint16(b, optComment)
	b = le.AppendUint16(b, 0) // its length, below
	b = append(b, processPrefix...)
	b = append(b, p.Name[:min(len(p.Name), maxProcessName)]...)
	b = append(b, " (pid "...)
	b = strconv.AppendInt(b, int64(p.PID), 10)
	b = append(b, ')')
	n := len(b) - at - 4
	le.PutUint16(b[at+2:], uint16(n))
	return appendPadding(b, n)
}

// maxProcessName bounds a name, so that its comment fits an option. The kernel's
// names have 15 bytes at most.
const maxProcessName = 4096

const processPrefix = "process: "

// appendStatistics adds what an interface's counters say.
func appendStatistics(b []byte, iface int, s Stats, from, to int64) []byte {
	b, at := beginBlock(b, blockStatistics)
	b = le.AppendUint32(b, uint32(iface))
	b = appendTime(b, to)
	if from != 0 {
		b = le.AppendUint32(b, isbStart|8<<16)
		b = appendTime(b, from)
	}
	b = le.AppendUint32(b, isbEnd|8<<16)
	b = appendTime(b, to)
	b = appendUint64Option(b, isbAccepted, s.Received)
	b = appendUint64Option(b, isbDropped, s.Dropped)
	b = appendUint64Option(b, isbUser, s.Captured)
	return endBlock(appendEnd(b), at)
}

// appendTime adds a time stamp, upper half first.
func appendTime(b []byte, ns int64) []byte {
	b = le.AppendUint32(b, uint32(uint64(ns)>>32))
	return le.AppendUint32(b, uint32(uint64(ns)))
}

// appendSecrets adds a TLS key log for the packets behind it.
func appendSecrets(b []byte, keylog []byte) []byte {
	b, at := beginBlock(b, blockSecrets)
	b = le.AppendUint32(b, secretsTLS)
	b = le.AppendUint32(b, uint32(len(keylog)))
	b = append(b, keylog...)
	return endBlock(appendPadding(b, len(keylog)), at)
}

// grow makes b longer by n bytes of whatever lies there.
func grow(b []byte, n int) []byte {
	if len(b)+n > cap(b) {
		more := make([]byte, len(b), max(2*cap(b), len(b)+n))
		copy(more, b)
		b = more
	}
	return b[:len(b)+n]
}
