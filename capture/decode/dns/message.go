package dns

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// Message is one DNS message.
type Message struct {
	ID        uint16
	Flags     uint16 // the second word of the header, as it was sent
	Questions []Question
	// Answers, Authority and Additional are the three sections of records.
	Answers, Authority, Additional []Record
}

// Response reports whether the message answers, rather than asks.
func (m *Message) Response() bool { return m.Flags&0x8000 != 0 }

// Opcode is 0 for a query, 4 for NOTIFY, 5 for UPDATE.
func (m *Message) Opcode() int { return int(m.Flags >> 11 & 15) }

// Authoritative is the AA bit.
func (m *Message) Authoritative() bool { return m.Flags&0x0400 != 0 }

// Truncated is the TC bit.
func (m *Message) Truncated() bool { return m.Flags&0x0200 != 0 }

// RecursionDesired is the RD bit.
func (m *Message) RecursionDesired() bool { return m.Flags&0x0100 != 0 }

// RecursionAvailable is the RA bit.
func (m *Message) RecursionAvailable() bool { return m.Flags&0x0080 != 0 }

// RCode is the response code, with the upper bits of an OPT record if there is one.
func (m *Message) RCode() RCode {
	code := RCode(m.Flags & 15)
	for i := range m.Additional {
		if r := &m.Additional[i]; r.Type == TypeOPT {
			code |= RCode(r.TTL>>24) << 4
		}
	}
	return code
}

// RCode is a response code.
type RCode uint16

var rcodes = [...]string{
	"NoError", "FormErr", "ServFail", "NXDomain", "NotImp", "Refused",
	"YXDomain", "YXRRSet", "NXRRSet", "NotAuth", "NotZone",
}

// String returns the code's name, or "RCode" and the number.
func (c RCode) String() string {
	if int(c) < len(rcodes) {
		return rcodes[c]
	}
	if c == 16 {
		return "BadVers"
	}
	return "RCode" + strconv.Itoa(int(c))
}

// Question is what is asked.
type Question struct {
	Name  string // with the final dot
	Type  Type
	Class Class
}

// Record is one resource record.
type Record struct {
	Name  string
	Type  Type
	Class Class
	TTL   uint32
	// Text is the data in presentation form; of types that are not known, RFC 3597's.
	Text string
	// Data is the data as it was sent, in memory of the message. Names in it may
	// point into the rest of the message.
	Data []byte
}

// The errors of Parse.
var (
	ErrTruncated = errors.New("dns: message is truncated")
	ErrName      = errors.New("dns: malformed name")
	ErrTooMany   = errors.New("dns: too many records")
)

// maxRecords is how many questions and records of one message are read.
const maxRecords = 1000

// Parse reads a message into m, whose slices it uses again. After an error m
// holds what came before it.
func Parse(b []byte, m *Message) error {
	*m = Message{Questions: m.Questions[:0], Answers: m.Answers[:0], Authority: m.Authority[:0], Additional: m.Additional[:0]}
	if len(b) < 12 {
		return ErrTruncated
	}
	m.ID = binary.BigEndian.Uint16(b)
	m.Flags = binary.BigEndian.Uint16(b[2:])
	left := maxRecords
	at := 12
	for range binary.BigEndian.Uint16(b[4:]) {
		q, next, err := question(b, at)
		if left--; err == nil && left < 0 {
			err = ErrTooMany
		}
		if err != nil {
			return err
		}
		m.Questions = append(m.Questions, q)
		at = next
	}
	for i, section := range []*[]Record{&m.Answers, &m.Authority, &m.Additional} {
		for range binary.BigEndian.Uint16(b[6+2*i:]) {
			r, next, err := record(b, at)
			if left--; err == nil && left < 0 {
				err = ErrTooMany
			}
			if err != nil {
				return err
			}
			*section = append(*section, r)
			at = next
		}
	}
	return nil
}

// ParseTCP reads the first message of a stream's bytes. n is how many of them it
// takes, zero if it is not complete yet.
func ParseTCP(b []byte, m *Message) (n int, err error) {
	if len(b) < 2 {
		return 0, nil
	}
	end := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < end {
		return 0, nil
	}
	return end, Parse(b[2:end], m)
}

func question(b []byte, at int) (q Question, next int, err error) {
	name, at, err := appendName(nil, b, at)
	if err != nil {
		return q, 0, err
	}
	if len(b) < at+4 {
		return q, 0, ErrTruncated
	}
	return Question{
		Name:  string(name),
		Type:  Type(binary.BigEndian.Uint16(b[at:])),
		Class: Class(binary.BigEndian.Uint16(b[at+2:])),
	}, at + 4, nil
}

func record(b []byte, at int) (r Record, next int, err error) {
	name, at, err := appendName(nil, b, at)
	if err != nil {
		return r, 0, err
	}
	if len(b) < at+10 {
		return r, 0, ErrTruncated
	}
	r = Record{
		Name:  string(name),
		Type:  Type(binary.BigEndian.Uint16(b[at:])),
		Class: Class(binary.BigEndian.Uint16(b[at+2:])),
		TTL:   binary.BigEndian.Uint32(b[at+4:]),
	}
	next = at + 10 + int(binary.BigEndian.Uint16(b[at+8:]))
	if len(b) < next {
		return r, 0, ErrTruncated
	}
	r.Data = b[at+10 : next]
	r.Text = string(appendData(nil, b, at+10, next, &r))
	return r, next, nil
}
