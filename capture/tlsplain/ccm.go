package tlsplain

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ccm is AES-CCM (RFC 3610), which the standard library does not have: counter
// mode, and a CBC-MAC of everything beside it.
type ccm struct {
	block cipher.Block
	nonce int // bytes; 12 in TLS
	tag   int // bytes; 16, or 8 of the suites with an 8 in their names
}

const ccmBlock = 16

var errCCM = errors.New("tlsplain: a record does not open")

func (c *ccm) NonceSize() int { return c.nonce }
func (c *ccm) Overhead() int  { return c.tag }

// Seal encrypts. Only tests do that.
func (c *ccm) Seal(dst, nonce, plain, additional []byte) []byte {
	mac := c.mac(nonce, plain, additional)
	start := len(dst)
	dst = append(append(dst, plain...), mac[:c.tag]...)
	c.crypt(nonce, dst[start:len(dst)-c.tag], dst[len(dst)-c.tag:])
	return dst
}

// Open decrypts, and verifies what it decrypted.
func (c *ccm) Open(dst, nonce, sealed, additional []byte) ([]byte, error) {
	n := len(sealed) - c.tag
	if n < 0 {
		return nil, errCCM
	}
	var tag [ccmBlock]byte
	copy(tag[:], sealed[n:])
	start := len(dst)
	dst = append(dst, sealed[:n]...)
	plain := dst[start:]
	c.crypt(nonce, plain, tag[:c.tag])
	if mac := c.mac(nonce, plain, additional); subtle.ConstantTimeCompare(mac[:c.tag], tag[:c.tag]) != 1 {
		clear(plain)
		return nil, errCCM
	}
	return dst, nil
}

// crypt is counter mode in place. Section 2.3: the first block of the key stream
// is for the tag. The counter cannot run over: a record has 2^14 bytes, and it
// counts with at least two.
func (c *ccm) crypt(nonce, text, tag []byte) {
	var counter, first [ccmBlock]byte
	counter[0] = byte(ccmBlock - 2 - c.nonce) // L - 1, where L = 15 - the nonce's length
	copy(counter[1:], nonce)
	stream := cipher.NewCTR(c.block, counter[:])
	stream.XORKeyStream(first[:], first[:])
	subtle.XORBytes(tag, tag, first[:])
	stream.XORKeyStream(text, text)
}

// mac is the CBC-MAC of section 2.2, before it is encrypted.
func (c *ccm) mac(nonce, text, additional []byte) (x [ccmBlock]byte) {
	x[0] = byte((c.tag-2)/2<<3 | (ccmBlock - 2 - c.nonce))
	if len(additional) > 0 {
		x[0] |= 1 << 6
	}
	binary.BigEndian.PutUint64(x[8:], uint64(len(text))) // all but its last L bytes are zero
	copy(x[1:], nonce)
	c.block.Encrypt(x[:], x[:])
	if len(additional) > 0 { // less than 0xff00 bytes, so that two say how many
		var head [ccmBlock]byte
		binary.BigEndian.PutUint16(head[:], uint16(len(additional)))
		n := copy(head[2:], additional)
		c.chain(&x, head[:2+n])
		c.chain(&x, additional[n:])
	}
	c.chain(&x, text)
	return x
}

// chain goes on with b, padded with zeros to whole blocks.
func (c *ccm) chain(x *[ccmBlock]byte, b []byte) {
	for len(b) > 0 {
		n := subtle.XORBytes(x[:], x[:], b)
		c.block.Encrypt(x[:], x[:])
		b = b[n:]
	}
}
