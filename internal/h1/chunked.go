package h1

import "sonde/internal/message"

// Chunked decodes the framing of a chunked body.
type Chunked struct {
	Left int64 // data bytes that come next
	Done bool  // the body and its trailer section are complete
}

// Reset makes c ready for a new body.
func (c *Chunked) Reset(maxTrailer, maxFields int) { panic("soon") }

// Advance reads framing at the start of src.
func (c *Chunked) Advance(src []byte) (n int, err error) { panic("soon") }

// Trailer returns the trailer fields.
func (c *Chunked) Trailer() message.Fields { panic("soon") }

// AppendChunkSize appends the line that begins a chunk of n bytes.
func AppendChunkSize(dst []byte, n int64) []byte { panic("soon") }

// AppendLastChunk appends the end of a body.
func AppendLastChunk(dst []byte, trailer message.Fields) []byte { panic("soon") }
