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
	ccm    int // the length of the tag, with AES-CCM
}

var (
	gcm128  = suite{keyLen: 16, hash: crypto.SHA256}
	gcm256  = suite{keyLen: 32, hash: crypto.SHA384}
	chacha  = suite{keyLen: 32, hash: crypto.SHA256, chacha: true}
	ccm128  = suite{keyLen: 16, hash: crypto.SHA256, ccm: 16}
	ccm256  = suite{keyLen: 32, hash: crypto.SHA256, ccm: 16}
	ccm128s = suite{keyLen: 16, hash: crypto.SHA256, ccm: 8}
	ccm256s = suite{keyLen: 32, hash: crypto.SHA256, ccm: 8}
)

// suiteOf returns the suite with that number (IANA's registry), if it is one of
// AES-GCM, AES-CCM or ChaCha20-Poly1305.
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
	return ccmSuite(id)
}

// ccmSuite is suiteOf for AES-CCM (RFC 6655, RFC 7251, RFC 8442, RFC 8446).
func ccmSuite(id uint16) (suite, bool) {
	switch id {
	case 0x1304, 0xc09c, 0xc09e, 0xc0a4, 0xc0a6, 0xc0ac, 0xd005:
		return ccm128, true
	case 0x1305, 0xc0a0, 0xc0a2, 0xc0a8, 0xc0aa, 0xc0ae, 0xd003:
		return ccm128s, true
	case 0xc09d, 0xc09f, 0xc0a5, 0xc0a7, 0xc0ad:
		return ccm256, true
	case 0xc0a1, 0xc0a3, 0xc0a9, 0xc0ab, 0xc0af:
		return ccm256s, true
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
	if s.ccm != 0 {
		return &ccm{block: block, nonce: 12, tag: s.ccm}, nil
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
