package httpview

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/net/http2/hpack"

	"sonde/capture/flow"
)

// Bounds of HTTP/2: a field section on the wire, a string in it, the table that
// a peer may have the other one keep.
const (
	maxBlock     = 256 << 10
	maxString    = 64 << 10
	maxTableSize = 64 << 10
)

// frames reads the frames of one direction.
type frames struct {
	h2      *h2
	dir     flow.Dir
	preface int // bytes of the preface that are still to come
	head    [9]byte
	n       int   // bytes of head
	start   int64 // when the first byte of the frame came
	left    int   // bytes of the payload that are still to come
	missing int64 // of them, in DATA
	keep    bool  // the payload is put into buf
	buf     []byte
	frame   Frame
	lost    bool // where frames begin is not known any more

	hpack  *hpack.Decoder
	broken bool // what the table holds is not known any more
	fields []Field
	size   int

	block  []byte // a field section that goes on in CONTINUATION frames
	opener Frame  // what began it
	pushed uint32
	began  int64
}

func newFrames(h *h2, d flow.Dir) *frames {
	f := &frames{h2: h, dir: d}
	f.hpack = hpack.NewDecoder(4096, f.field)
	f.hpack.SetMaxStringLength(maxString)
	f.hpack.SetAllowedMaxDynamicTableSize(maxTableSize)
	return f
}

// field takes one field of a section.
func (f *frames) field(h hpack.HeaderField) {
	f.size += len(h.Name) + len(h.Value) + 32
	if f.size <= maxBlock && len(f.fields) < maxFields {
		f.fields = append(f.fields, Field{h.Name, h.Value})
	}
}

// data takes bytes.
func (f *frames) data(at int64, b []byte) {
	if n := min(f.preface, len(b)); n > 0 {
		f.preface -= n
		b = b[n:]
	}
	for len(b) > 0 && !f.lost {
		if f.n < len(f.head) {
			if f.n == 0 {
				f.start = at
			}
			n := copy(f.head[f.n:], b)
			b = b[n:]
			if f.n += n; f.n < len(f.head) {
				return
			}
			if f.begin(); f.left == 0 {
				f.end(at)
				continue
			}
			if len(b) == 0 {
				return
			}
		}
		n := min(f.left, len(b))
		switch {
		case f.keep:
			f.buf = append(f.buf, b[:n]...)
		case f.frame.Type == FrameData:
			f.body(at, b[:n])
		}
		b = b[n:]
		if f.left -= n; f.left == 0 {
			f.end(at)
		}
	}
}

// body hands on bytes of a DATA frame, without the padding around them.
func (f *frames) body(at int64, b []byte) {
	from := f.frame.Length - f.left
	end := f.frame.Length
	if f.frame.Flags&flagPadded != 0 {
		if from == 0 {
			f.buf = append(f.buf, b[0]) // how much padding there is
			b, from = b[1:], 1
		}
		if len(f.buf) > 0 {
			end -= int(f.buf[0])
		}
	}
	b = b[:max(min(len(b), end-from), 0)]
	if x := f.h2.streams[f.frame.Stream]; x != nil {
		f.h2.conn.view.body(x, f.dir, at, b)
	}
}

// begin reads a frame's head.
func (f *frames) begin() {
	f.left = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
	f.frame = Frame{
		Conn: f.h2.conn.flow.N, Dir: f.dir, Type: FrameType(f.head[3]), Flags: f.head[4],
		Stream: binary.BigEndian.Uint32(f.head[5:]) & 0x7fffffff, Length: f.left,
	}
	f.missing = 0
	f.buf = f.buf[:0]
	f.keep = f.frame.Type != FrameData && f.left <= maxBlock
}

// end takes a frame that is complete.
func (f *frames) end(at int64) {
	f.n = 0
	f.frame.At = at
	f.payload(at)
	if g := f.h2.conn.view.config.Frame; g != nil {
		shown := f.frame
		if !f.h2.conn.view.config.Secrets {
			shown.Fields = redactFields(shown.Fields)
		}
		g(&shown)
	}
	f.frame.Fields = nil
	if cap(f.buf) > 4096 {
		f.buf = nil
	}
}

// payload takes what is in a frame.
func (f *frames) payload(at int64) {
	g := &f.frame
	if g.Type == FrameData {
		n := int64(g.Length)
		if g.Flags&flagPadded != 0 && len(f.buf) > 0 {
			n = max(n-1-int64(f.buf[0]), 0)
		}
		f.h2.body(f.dir, g, n, f.missing, at)
		return
	}
	b, ok := f.unpadded()
	if !f.keep || !ok {
		if g.Type == FrameHeaders || g.Type == FramePushPromise || g.Type == FrameContinuation {
			f.broken = true
			f.h2.section(f.dir, g, 0, nil, f.start, at)
		}
		return
	}
	switch g.Type {
	case FrameHeaders, FramePushPromise:
		f.opener, f.began, f.pushed, f.block = *g, f.start, 0, nil
		if g.Type == FramePushPromise && len(b) >= 4 {
			f.pushed = binary.BigEndian.Uint32(b) & 0x7fffffff
			b = b[4:]
		}
		f.section(b, at)
	case FrameContinuation:
		f.section(b, at)
	default:
		f.control(b, at)
	}
}

// unpadded cuts padding and the obsolete priority off a payload.
func (f *frames) unpadded() (b []byte, ok bool) {
	b = f.buf
	if f.frame.Type != FrameHeaders && f.frame.Type != FramePushPromise {
		return b, true
	}
	if f.frame.Flags&flagPadded != 0 {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		b = b[1 : len(b)-int(b[0])]
	}
	if f.frame.Type == FrameHeaders && f.frame.Flags&flagPriority != 0 {
		if len(b) < 5 {
			return nil, false
		}
		b = b[5:]
	}
	return b, true
}

// section takes a piece of a field section, and decodes it when it is whole.
func (f *frames) section(b []byte, at int64) {
	if len(f.block)+len(b) > maxBlock {
		f.broken, f.block = true, nil
		return
	}
	whole := b
	if len(f.block) > 0 || f.frame.Flags&flagEndHeaders == 0 {
		f.block = append(f.block, b...)
		whole = f.block
	}
	if f.frame.Flags&flagEndHeaders == 0 {
		return
	}
	f.fields, f.size = nil, 0
	if !f.broken {
		_, err := f.hpack.Write(whole)
		if err == nil {
			err = f.hpack.Close()
		}
		f.broken = err != nil
	}
	f.opener.Length = len(whole)
	f.frame.Fields = f.fields
	f.h2.section(f.dir, &f.opener, f.pushed, f.fields, f.began, at)
	f.block = nil
}

// control takes the frames that are about the connection or a stream.
func (f *frames) control(b []byte, at int64) {
	g := &f.frame
	switch {
	case g.Type == FrameRSTStream && len(b) == 4:
		code := binary.BigEndian.Uint32(b)
		g.Detail = errorCode(code)
		f.h2.reset(f.dir, g.Stream, code, at)
	case g.Type == FrameGoAway && len(b) >= 8:
		last, code := binary.BigEndian.Uint32(b)&0x7fffffff, errorCode(binary.BigEndian.Uint32(b[4:]))
		g.Detail = "last stream " + strconv.Itoa(int(last)) + " " + code
		if f.dir == flow.FromServer {
			f.h2.goAway(last, code)
		}
	case g.Type == FrameWindowUpdate && len(b) == 4:
		g.Detail = "+" + strconv.Itoa(int(binary.BigEndian.Uint32(b)&0x7fffffff))
	case g.Type == FrameSettings:
		for i := 0; len(b) >= 6 && i < 32; i++ {
			if i > 0 {
				g.Detail += " "
			}
			g.Detail += settingName(binary.BigEndian.Uint16(b)) + "=" + strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[2:])), 10)
			b = b[6:]
		}
	}
}

// gap takes note of n bytes that are missing: of DATA they are only counted.
func (f *frames) gap(at, n int64) {
	inData := f.n == len(f.head) && f.frame.Type == FrameData && int64(f.left) >= n
	if !inData || f.frame.Flags&flagPadded != 0 && len(f.buf) == 0 {
		f.lost, f.broken, f.buf, f.block = true, true, nil, nil
		return
	}
	f.missing += n
	if f.left -= int(n); f.left == 0 {
		f.end(at)
	}
}
