package tlsrec

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// ContentType is what a record carries.
type ContentType uint8

// The content types.
const (
	ChangeCipherSpec ContentType = 20
	Alert            ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
	Heartbeat        ContentType = 24
)

// String returns the type's name, or its number.
func (t ContentType) String() string {
	switch t {
	case ChangeCipherSpec:
		return "ChangeCipherSpec"
	case Alert:
		return "Alert"
	case Handshake:
		return "Handshake"
	case ApplicationData:
		return "ApplicationData"
	case Heartbeat:
		return "Heartbeat"
	}
	return "content type " + strconv.Itoa(int(t))
}

// HeaderLen is the length of a record's header; MaxFragment of what follows it,
// at most (RFC 5246, section 6.2.3; TLS 1.3 allows less).
const (
	HeaderLen   = 5
	MaxFragment = 1<<14 + 2048
)

// Record is one record. Fragment borrows the bytes that it was parsed from.
type Record struct {
	Type     ContentType
	Version  uint16 // of the record layer: 0x0301 to 0x0303, whatever was negotiated
	Fragment []byte
}

// ErrRecord is what ParseRecord returns for bytes that are not TLS.
var ErrRecord = errors.New("tlsrec: not a TLS record")

// ParseRecord reads the record at the start of b. n is how many bytes it takes,
// zero if it is not all there.
func ParseRecord(b []byte) (r Record, n int, err error) {
	if len(b) > 0 && (b[0] < byte(ChangeCipherSpec) || b[0] > byte(Heartbeat)) || len(b) > 1 && b[1] != 3 {
		return r, 0, ErrRecord
	}
	if len(b) < HeaderLen {
		return r, 0, nil
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	if size > MaxFragment || b[2] > 4 {
		return r, 0, ErrRecord
	}
	if len(b) < HeaderLen+size {
		return r, 0, nil
	}
	return Record{
		Type:     ContentType(b[0]),
		Version:  binary.BigEndian.Uint16(b[1:]),
		Fragment: b[HeaderLen : HeaderLen+size],
	}, HeaderLen + size, nil
}

// AlertText returns level and description of an alert that is not encrypted.
func AlertText(fragment []byte) string {
	if len(fragment) != 2 {
		return "encrypted alert"
	}
	level := "warning"
	if fragment[0] == 2 {
		level = "fatal"
	}
	if s, ok := alertNames[fragment[1]]; ok {
		return level + ": " + s
	}
	return level + ": alert " + strconv.Itoa(int(fragment[1]))
}

var alertNames = map[uint8]string{
	0: "close notify", 10: "unexpected message", 20: "bad record MAC", 22: "record overflow",
	40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
	44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
	47: "illegal parameter", 48: "unknown CA", 49: "access denied", 50: "decode error",
	51: "decrypt error", 70: "protocol version", 71: "insufficient security",
	80: "internal error", 86: "inappropriate fallback", 90: "user canceled",
	109: "missing extension", 110: "unsupported extension", 112: "unrecognized name",
	113: "bad certificate status response", 115: "unknown PSK identity",
	116: "certificate required", 120: "no application protocol",
}
