package tlsrec

import (
	"crypto/tls"
	"encoding/binary"
)

// The extensions that are read.
const (
	extServerName        = 0
	extALPN              = 16
	extPreSharedKey      = 41
	extEarlyData         = 42
	extSupportedVersions = 43
	extEncryptedHello    = 0xfe0d
)

// ClientHello is what a client offers. Its slices borrow the message.
type ClientHello struct {
	Version    uint16 // of the message itself: 0x0303 for TLS 1.3 too
	Random     [32]byte
	SessionID  []byte
	Ciphers    []byte   // two bytes each
	ServerName string   // SNI
	ALPN       []string // the protocols offered
	Versions   []byte   // of supported_versions, two bytes each
	EarlyData  bool     // data follow before the handshake is done
	PSK        bool     // a session is to be resumed
	// Encrypted says that the true hello is encrypted (ECH), or pretended to be;
	// ServerName is the outer one.
	Encrypted bool
}

// ServerHello is what a server chose.
type ServerHello struct {
	// Version is the negotiated one, from the extension if there is one.
	Version   uint16
	Random    [32]byte
	SessionID []byte
	Cipher    uint16
	ALPN      string // before TLS 1.3; later it is encrypted
	PSK       bool   // the session is resumed
	// Retry says that the message is a HelloRetryRequest.
	Retry bool
}

// VersionName returns the name of a protocol version, such as "TLS 1.3".
func VersionName(v uint16) string { return tls.VersionName(v) }

// maxProtocols is how many protocols of an ALPN list are read.
const maxProtocols = 32

// ParseClientHello reads the body of a ClientHello. It reports whether that is
// well formed; what came before a mistake is in h all the same.
func ParseClientHello(body []byte, h *ClientHello) bool {
	*h = ClientHello{}
	r := &reader{b: body, ok: true}
	h.Version = uint16(r.uint(2))
	copy(h.Random[:], r.take(32))
	h.SessionID = r.vector(1)
	h.Ciphers = r.vector(2)
	r.vector(1) // compression methods
	if !r.more() {
		return r.ok
	}
	for ext := r.sub(2); ext.more(); {
		id, data := ext.uint(2), ext.sub(2)
		switch id {
		case extServerName:
			for list := data.sub(2); list.more(); {
				kind, name := list.uint(1), list.vector(2)
				if kind == 0 && h.ServerName == "" {
					h.ServerName = string(name)
				}
			}
		case extALPN:
			h.ALPN = protocols(data)
		case extSupportedVersions:
			h.Versions = data.vector(1)
		case extEarlyData:
			h.EarlyData = data.ok
		case extPreSharedKey:
			h.PSK = data.ok
		case extEncryptedHello:
			h.Encrypted = data.ok
		}
		r.ok = r.ok && ext.ok
	}
	return r.ok
}

// protocols reads an ALPN list.
func protocols(r *reader) (all []string) {
	for list := r.sub(2); list.more() && len(all) < maxProtocols; {
		if name := list.vector(1); list.ok {
			all = append(all, string(name))
		}
	}
	return all
}

// MaxVersion is the highest version that the client offers, leaving out those
// that only exercise the negotiation (RFC 8701).
func (h *ClientHello) MaxVersion() uint16 {
	if len(h.Versions) < 2 {
		return h.Version
	}
	var v uint16
	for b := h.Versions; len(b) >= 2; b = b[2:] {
		if w := binary.BigEndian.Uint16(b); w>>8 == 3 && w > v {
			v = w
		}
	}
	return v
}

// retryRandom marks a HelloRetryRequest (RFC 8446, section 4.1.3).
var retryRandom = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// ParseServerHello reads the body of a ServerHello, or of a HelloRetryRequest.
// It reports whether that is well formed.
func ParseServerHello(body []byte, h *ServerHello) bool {
	*h = ServerHello{}
	r := &reader{b: body, ok: true}
	h.Version = uint16(r.uint(2))
	copy(h.Random[:], r.take(32))
	h.SessionID = r.vector(1)
	h.Cipher = uint16(r.uint(2))
	r.uint(1) // compression method
	h.Retry = h.Random == retryRandom
	if !r.more() {
		return r.ok
	}
	for ext := r.sub(2); ext.more(); {
		id, data := ext.uint(2), ext.sub(2)
		switch id {
		case extSupportedVersions:
			if v := data.uint(2); data.ok {
				h.Version = uint16(v)
			}
		case extALPN:
			if p := protocols(data); len(p) > 0 {
				h.ALPN = p[0]
			}
		case extPreSharedKey:
			h.PSK = data.ok
		}
		r.ok = r.ok && ext.ok
	}
	return r.ok
}

// ParseEncryptedExtensions reads the body of that message, which is encrypted on
// the wire: the protocol chosen, and whether early data were taken.
func ParseEncryptedExtensions(body []byte) (alpn string, earlyData, ok bool) {
	r := &reader{b: body, ok: true}
	for ext := r.sub(2); ext.more(); {
		id, data := ext.uint(2), ext.sub(2)
		switch id {
		case extALPN:
			if p := protocols(data); len(p) > 0 {
				alpn = p[0]
			}
		case extEarlyData:
			earlyData = ext.ok
		}
		r.ok = r.ok && ext.ok
	}
	return alpn, earlyData, r.ok
}
