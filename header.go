package sonde

import (
	"iter"
	"time"

	"sonde/internal/message"
)

// Header is an ordered list of fields (RFC 9110 §5), of a request, a response or
// a trailer section. Names compare without regard to case; order and case are
// kept as they were received or added.
//
// It is a value: the zero Header is empty and ready, a copy is independent, and
// any number of goroutines may read one. A string that it returned never changes.
type Header struct{ f message.Fields }

// MediaType is the value of a field such as Content-Type (RFC 9110 §8.3.1).
type MediaType = message.MediaType

// ErrNoField is what the typed getters return where there is no such field.
var ErrNoField = message.ErrAbsent

// Len is the number of field lines.
func (h Header) Len() int { return h.f.Len() }

// Get returns the value of the first line with that name, or "". It does not
// allocate, but for a Header that DoInto filled, of which it is a copy.
func (h Header) Get(name string) string { return h.f.Get(name) }

// Values returns the values of all lines with that name, in order.
func (h Header) Values(name string) []string { return h.f.Values(name) }

// Combined returns the values of all lines with that name joined by ", ", which
// is what they mean together (RFC 9110 §5.3). Set-Cookie is the exception.
func (h Header) Combined(name string) string { return h.f.Combined(name) }

// Has reports whether there is a line with that name. It does not allocate.
func (h Header) Has(name string) bool { return h.f.Has(name) }

// Is reports whether there is exactly one line with that name, and its value is
// value to the letter. It does not allocate.
func (h Header) Is(name, value string) bool { return h.f.Is(name, value) }

// HasToken reports whether the comma-separated list of all lines with that name
// has the member token, without regard to case. It does not allocate.
func (h Header) HasToken(name, token string) bool { return h.f.HasToken(name, token) }

// Tokens yields the members of that list.
func (h Header) Tokens(name string) iter.Seq[string] { return h.f.Tokens(name) }

// Int returns the value as an integer. The error is ErrNoField, or says what is
// wrong with the value. It does not allocate.
func (h Header) Int(name string) (int64, error) { return h.f.Int(name) }

// Time returns the value as a date, in any of the three forms of RFC 9110
// §5.6.7. The error is ErrNoField, or says what is wrong with the value.
func (h Header) Time(name string) (time.Time, error) { return h.f.Time(name) }

// MediaType returns the value as a media type with its parameters. The error is
// ErrNoField, or says what is wrong with the value.
func (h Header) MediaType(name string) (MediaType, error) { return h.f.MediaType(name) }

// Challenges returns the challenges of all lines with that name, WWW-Authenticate
// or Proxy-Authenticate, in order (RFC 9110 §11.6.1). What cannot be read is left
// out.
func (h Header) Challenges(name string) []Challenge { return h.f.Challenges(name) }

// AppendValue appends to dst what Get returns. It allocates only to grow dst.
func (h Header) AppendValue(dst []byte, name string) []byte { return h.f.AppendValue(dst, name) }

// All yields the name and value of every line, in order.
func (h Header) All() iter.Seq2[string, string] { return h.f.All() }

// Add appends a line. The error says what is wrong with name or value: a name
// must be a token, and a value may hold no control characters but tabs.
func (h *Header) Add(name, value string) error { return h.f.Add(name, value) }

// Set replaces all lines with that name by one. The error is as Add's.
func (h *Header) Set(name, value string) error { return h.f.Set(name, value) }

// Del removes all lines with that name.
func (h *Header) Del(name string) { h.f.Del(name) }

// String is the lines as HTTP/1 would send them, without redaction: do not log it.
func (h Header) String() string { return h.f.Lines() }
