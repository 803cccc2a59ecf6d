package tlsplain

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is what a cipher suite uses.
type suite struct {
	keyLen int
	hash   crypto.Hash
	chacha bool
}

var (
	gcm128 = suite{16, crypto.SHA256, false}
	gcm256 = suite{32, crypto.SHA384, false}
	chacha = suite{32, crypto.SHA256, true}
)

// suiteOf returns the suite with that number (IANA's registry), if it is one of
// AES-GCM or ChaCha20-Poly1305.
func suiteOf(id uint16) (suite, bool) {
	switch id {
	case 0x1301:
		return gcm128, true
	case 0x1302:
		return gcm256, true
	case 0x1303:
		return chacha, true
	// TLS 1.2. They come in pairs, for 128 and 256 bits.
	case 0x009c, 0x009e, 0x00a0, 0x00a2, 0x00a4, 0x00a6, 0x00a8, 0x00aa, 0x00ac,
		0xc02b, 0xc02d, 0xc02f, 0xc031, 0xd001:
		return gcm128, true
	case 0x009d, 0x009f, 0x00a1, 0x00a3, 0x00a5, 0x00a7, 0x00a9, 0x00ab, 0x00ad,
		0xc02c, 0xc02e, 0xc030, 0xc032, 0xd002:
		return gcm256, true
	case 0xcca8, 0xcca9, 0xccaa, 0xccab, 0xccac, 0xccad, 0xccae:
		return chacha, true
	}
	return suite{}, false
}

func (s suite) aead(key []byte) (cipher.AEAD, error) {
	if s.chacha {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// expand is HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
func (s suite) expand(secret []byte, label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(append(append(info, "tls13 "...), label...), 0)
	return hkdf.Expand(s.hash.New, secret, string(info), n)
}

// prf is the pseudo-random function of TLS 1.2 (RFC 5246, section 5).
func (s suite) prf(secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	sum := func(parts ...[]byte) []byte {
		var h hash.Hash = hmac.New(s.hash.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}
