package tlsplain

import (
	"crypto/cipher"
	"encoding/binary"

	"sonde/capture/decode/tlsrec"
)

// key opens the records of one direction, one after another.
type key struct {
	suite  suite
	tls13  bool
	secret []byte // TLS 1.3: from which the next key comes
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// key13 makes the key of a TLS 1.3 traffic secret.
func key13(s suite, secret []byte) (*key, error) {
	raw, err := s.expand(secret, "key", s.keyLen)
	if err != nil {
		return nil, err
	}
	iv, err := s.expand(secret, "iv", 12)
	if err != nil {
		return nil, err
	}
	a, err := s.aead(raw)
	return &key{suite: s, tls13: true, secret: secret, aead: a, iv: iv}, err
}

// next is the key after a KeyUpdate (RFC 8446, section 7.2).
func (k *key) next() (*key, error) {
	secret, err := k.suite.expand(k.secret, "traffic upd", len(k.secret))
	if err != nil {
		return nil, err
	}
	return key13(k.suite, secret)
}

// keys12 makes the keys of both directions of a TLS 1.2 session (RFC 5246,
// section 6.3). An AEAD has no MAC keys, and a short implicit nonce, save for
// ChaCha20 (RFC 7905).
func keys12(s suite, master []byte, client, server [32]byte) (keys [2]*key, err error) {
	ivLen := 4
	if s.chacha {
		ivLen = 12
	}
	block := s.prf(master, "key expansion", append(server[:], client[:]...), 2*(s.keyLen+ivLen))
	raw, ivs := block[:2*s.keyLen], block[2*s.keyLen:]
	for d := range keys {
		a, err := s.aead(raw[d*s.keyLen:][:s.keyLen])
		if err != nil {
			return keys, err
		}
		keys[d] = &key{suite: s, aead: a, iv: ivs[d*ivLen:][:ivLen]}
	}
	return keys, nil
}

// open decrypts a record into dst, and returns its true type. On failure the key
// is as it was.
func (k *key) open(dst []byte, r *tlsrec.Record) (plain []byte, kind tlsrec.ContentType, ok bool) {
	body := r.Fragment
	var nonce [12]byte
	explicit := !k.tls13 && !k.suite.chacha
	if explicit {
		if len(body) < 8 {
			return nil, 0, false
		}
		copy(nonce[:], k.iv)
		copy(nonce[4:], body[:8])
		body = body[8:]
	} else {
		copy(nonce[:], k.iv)
		low := binary.BigEndian.Uint64(nonce[4:])
		binary.BigEndian.PutUint64(nonce[4:], low^k.seq)
	}
	if len(body) < k.aead.Overhead() {
		return nil, 0, false
	}
	plain, err := k.aead.Open(dst[:0], nonce[:], body, k.additional(r, len(body)-k.aead.Overhead()))
	if err != nil {
		return nil, 0, false
	}
	k.seq++
	if !k.tls13 {
		return plain, r.Type, true
	}
	// RFC 8446, section 5.2: the type comes last, behind it padding of zeros.
	for n := len(plain) - 1; n >= 0; n-- {
		if plain[n] != 0 {
			return plain[:n], tlsrec.ContentType(plain[n]), true
		}
	}
	return nil, 0, true
}

// additional is the data that is authenticated beside the record's contents.
func (k *key) additional(r *tlsrec.Record, plain int) []byte {
	b := make([]byte, 0, 13)
	if !k.tls13 {
		b = binary.BigEndian.AppendUint64(b, k.seq)
	}
	b = append(b, byte(r.Type), byte(r.Version>>8), byte(r.Version))
	if k.tls13 {
		return binary.BigEndian.AppendUint16(b, uint16(len(r.Fragment)))
	}
	return binary.BigEndian.AppendUint16(b, uint16(plain))
}
