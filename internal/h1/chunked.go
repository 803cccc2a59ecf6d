package h1

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"sonde/internal/message"
)

const (
	// maxExtensions bounds the chunk extensions of a body, all together: they
	// are bytes that nobody asked for (RFC 9112, section 7.1.1).
	maxExtensions = 16 << 10
	// maxSizeDigits bounds a chunk size with leading zeros.
	maxSizeDigits = 16
	// keptTrailer is the largest buffer that Reset keeps.
	keptTrailer = 4 << 10
)

// Chunked decodes the framing of a chunked body (RFC 9112, section 7.1). The data
// never pass through it: the caller takes them from where they are. It takes
// its input in pieces of any size. The zero value needs a Reset.
type Chunked struct {
	Left int64 // data bytes that come next; the caller subtracts what it takes
	Done bool  // the body and its trailer section are complete

	state      chunkState
	digits     uint8
	size       int64
	extension  int // bytes of all extensions
	maxTrailer int
	maxFields  int
	buf        []byte // the trailer section so far
	trailer    message.Fields
}

type chunkState uint8

const (
	sizeStart   chunkState = iota // the first digit of a size
	sizeDigits                    // its further digits
	sizeSpace                     // spaces after it
	sizeExt                       // an extension
	sizeLF                        // the LF that ends the line of a size
	dataCR                        // the CR after data
	dataLF                        // the LF after that
	trailerLine                   // a line of the trailer section
	trailerLF                     // the LF that ends it
)

// Reset makes c ready for a new body, whose trailer section may have that many
// bytes and fields; 0 means the default of a head.
func (c *Chunked) Reset(maxTrailer, maxFields int) {
	lim := Limits{maxTrailer, maxFields}
	lim.fill()
	buf := c.buf[:0]
	if cap(buf) > keptTrailer {
		buf = nil
	}
	*c = Chunked{maxTrailer: lim.Head, maxFields: lim.Fields, buf: buf}
}

// Advance reads framing at the start of src and returns how many bytes that
// was. Afterwards Left > 0: that many data bytes come next; or Done; or all of
// src was framing and more is needed. Every error is a *message.Malformed, after
// which c is of no use.
func (c *Chunked) Advance(src []byte) (n int, err error) {
	for n < len(src) && c.Left == 0 && !c.Done {
		if c.state == trailerLine {
			k, err := c.advanceTrailer(src[n:])
			n += k
			if err != nil {
				return n, err
			}
			continue
		}
		if err := c.step(src[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// step takes one byte of the line of a size, or of a line end.
func (c *Chunked) step(b byte) error {
	switch c.state {
	case dataCR:
		if b != '\r' {
			return chunkError("no CRLF after the data of a chunk", b)
		}
		c.state = dataLF
	case dataLF:
		if b != '\n' {
			return chunkError("no CRLF after the data of a chunk", b)
		}
		c.state = sizeStart
	case sizeStart, sizeDigits:
		return c.stepSize(b)
	case sizeSpace, sizeExt:
		return c.stepExtension(b)
	case sizeLF:
		if b != '\n' {
			return chunkError("CR without LF in the line of a chunk size", b)
		}
		c.sizeDone()
	case trailerLF:
		if b != '\n' {
			return chunkError("CR without LF at the end of a chunked body", b)
		}
		return c.finish()
	}
	return nil
}

// stepSize takes a byte of the size itself.
func (c *Chunked) stepSize(b byte) error {
	if d, ok := hexDigit(b); ok {
		// RFC 9112 §7.1: a recipient must see a size that it cannot represent.
		if c.digits++; c.digits > maxSizeDigits || c.size > math.MaxInt64>>4 {
			return message.NewOver("a chunk size that does not fit")
		}
		c.size = c.size<<4 | d
		c.state = sizeDigits
		return nil
	}
	if c.state == sizeStart {
		return chunkError("no chunk size where one must be", b)
	}
	c.state = sizeSpace
	return c.stepExtension(b)
}

// stepExtension takes a byte after the size. The extensions themselves mean
// nothing to us (RFC 9112, section 7.1.1).
func (c *Chunked) stepExtension(b byte) error {
	if b == '\r' {
		c.state = sizeLF
		return nil
	}
	switch {
	case b == ';':
		c.state = sizeExt
	case b == '\n':
		return chunkError("LF without CR in the line of a chunk size", b)
	case c.state == sizeSpace && b != ' ' && b != '\t', b < ' ' && b != '\t', b == 0x7f:
		return chunkError("a byte that does not belong in the line of a chunk size", b)
	}
	if c.extension++; c.extension > maxExtensions {
		return message.NewOver(fmt.Sprintf("chunk extensions of more than %d bytes", maxExtensions))
	}
	return nil
}

func (c *Chunked) sizeDone() {
	c.state = dataCR
	if c.size == 0 {
		c.state = trailerLine
	}
	c.Left, c.size, c.digits = c.size, 0, 0
}

// advanceTrailer takes bytes of the trailer section, at most one line.
func (c *Chunked) advanceTrailer(src []byte) (n int, err error) {
	start := len(c.buf) == 0 || c.buf[len(c.buf)-1] == '\n'
	if start && src[0] == '\r' {
		c.state = trailerLF
		return 1, nil
	}
	n = len(src)
	if k := bytes.IndexByte(src, '\n'); k >= 0 {
		n = k + 1
	}
	if len(c.buf)+n > c.maxTrailer {
		return n, message.NewOver(fmt.Sprintf("a trailer section of more than %d bytes", c.maxTrailer))
	}
	c.buf = append(c.buf, src[:n]...)
	if last := len(c.buf) - 1; c.buf[last] == '\n' && (last == 0 || c.buf[last-1] != '\r') {
		return n, &message.Malformed{What: "LF without CR in the trailer section"}
	}
	return n, nil
}

// finish ends the body.
func (c *Chunked) finish() error {
	c.Done = true
	if len(c.buf) == 0 {
		return nil
	}
	if err := c.trailer.Parse(c.buf, 0, c.maxFields); err != nil {
		return err
	}
	c.trailer.Detach()
	return nil
}

// Trailer returns the fields of the trailer section after Done. They are never
// written to again.
func (c *Chunked) Trailer() message.Fields { return c.trailer }

func chunkError(what string, b byte) error { return message.NewMalformed(what, []byte{b}) }

func hexDigit(b byte) (int64, bool) {
	switch {
	case '0' <= b && b <= '9':
		return int64(b - '0'), true
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return int64(b|0x20-'a') + 10, true
	}
	return 0, false
}

// AppendChunkSize appends the line that begins a chunk of n > 0 bytes. After its
// data the caller appends CRLF.
func AppendChunkSize(dst []byte, n int64) []byte {
	return append(strconv.AppendInt(dst, n, 16), "\r\n"...)
}

// AppendLastChunk appends the end of a chunked body with its trailer section.
func AppendLastChunk(dst []byte, trailer message.Fields) []byte {
	dst = append(dst, "0\r\n"...)
	dst = trailer.AppendLines(dst)
	return append(dst, "\r\n"...)
}
