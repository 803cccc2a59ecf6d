// Package quic reads the headers of QUIC packets that are not protected: those
// with a long header, of a connection's start (RFC 8999, RFC 9000, RFC 9369).
package quic

import (
	"encoding/binary"
	"fmt"
)

// Contract of this package: bytes in, values out, nothing is decrypted.

// Type is the kind of a packet.
type Type uint8

// The kinds. Short packets tell nothing; VersionNegotiation has no version.
const (
	Initial Type = iota
	ZeroRTT
	Handshake
	Retry
	VersionNegotiation
	Unknown // of a version that is not known
)

var typeNames = [...]string{"Initial", "0-RTT", "Handshake", "Retry", "Version Negotiation", "long header"}

// String returns the kind's name.
func (t Type) String() string { return typeNames[min(t, Unknown)] }

// Version is a QUIC version.
type Version uint32

// The versions that are known.
const (
	V1 Version = 1
	V2 Version = 0x6b3343cf
)

// String returns v1, v2, draft-N, "greased" for those that only exercise version
// negotiation, or the number.
func (v Version) String() string {
	switch {
	case v == V1:
		return "v1"
	case v == V2:
		return "v2"
	case v>>8 == 0xff0000:
		return fmt.Sprintf("draft-%d", v&0xff)
	case v&0x0f0f0f0f == 0x0a0a0a0a:
		return "greased"
	}
	return fmt.Sprintf("0x%08x", uint32(v))
}

// Long is a long header. Its slices borrow the datagram.
type Long struct {
	Type     Type
	Version  Version
	DCID     []byte // destination connection ID
	SCID     []byte // source connection ID
	Token    []byte // of Initial and Retry
	Versions []byte // of Version Negotiation: four bytes each
	// Length is how long packet number and payload are, of the types that say so.
	Length int
	// Size is how much of the datagram the packet takes: another one may follow.
	Size int
}

// maxCID bounds connection IDs (RFC 9000, section 17.2). A version that is not
// known may have longer ones.
const maxCID = 20

// ParseLong reads the long header at the start of b, and reports whether there
// is one: the first two bits and what is known of the version must agree.
func ParseLong(b []byte) (h Long, ok bool) {
	if len(b) < 7 || b[0]&0x80 == 0 {
		return h, false
	}
	first := b[0]
	h.Version = Version(binary.BigEndian.Uint32(b[1:]))
	rest := b[5:]
	if h.DCID, rest, ok = prefixed(rest); !ok {
		return h, false
	}
	if h.SCID, rest, ok = prefixed(rest); !ok {
		return h, false
	}
	h.Size = len(b)
	draft := h.Version>>8 == 0xff0000
	switch {
	case h.Version == 0:
		h.Type, h.Versions = VersionNegotiation, rest
		return h, len(rest) > 0 && len(rest)%4 == 0
	case h.Version != V1 && h.Version != V2 && !draft:
		h.Type = Unknown
		return h, h.Version&0x0f0f0f0f == 0x0a0a0a0a
	case first&0x40 == 0 || len(h.DCID) > maxCID || len(h.SCID) > maxCID:
		return h, false
	}
	h.Type = Type(first >> 4 & 3)
	if h.Version == V2 { // RFC 9369, section 3.2: the same four, turned by one
		h.Type = (h.Type + 3) & 3
	}
	return h.body(b, rest)
}

// body reads what comes behind the connection IDs.
func (h Long) body(b, rest []byte) (Long, bool) {
	if h.Type == Retry {
		if len(rest) < 16 { // the integrity tag
			return h, false
		}
		h.Token = rest[:len(rest)-16]
		return h, true
	}
	if h.Type == Initial {
		n, r, ok := varint(rest)
		if !ok || n > uint64(len(r)) {
			return h, false
		}
		h.Token, rest = r[:n], r[n:]
	}
	n, rest, ok := varint(rest)
	if !ok || n > 1<<16 {
		return h, false
	}
	h.Length = int(n)
	h.Size = min(len(b)-len(rest)+h.Length, len(b))
	return h, true
}

// prefixed reads bytes behind a one-byte length.
func prefixed(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return nil, b, false
	}
	end := 1 + int(b[0])
	return b[1:end], b[end:], true
}

// varint reads a variable-length integer (RFC 9000, section 16).
func varint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, b, false
	}
	n := 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, b, false
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, b[n:], true
}
