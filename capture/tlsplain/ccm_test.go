package tlsplain

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

// TestCCM: packet vector 1 of RFC 3610, section 8, and examples 1 to 3 of NIST's SP
// 800-38C, appendix C.
func TestCCM(t *testing.T) {
	count := func(from, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(from + i)
		}
		return b
	}
	for _, v := range []struct {
		key, nonce, additional, plain []byte
		tag                           int
		want                          string
	}{
		{count(0xc0, 16), []byte("\x00\x00\x00\x03\x02\x01\x00\xa0\xa1\xa2\xa3\xa4\xa5"), count(0, 8), count(8, 23), 8,
			"588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"},
		{count(0x40, 16), count(0x10, 7), count(0, 8), count(0x20, 4), 4, "7162015b4dac255d"},
		{count(0x40, 16), count(0x10, 8), count(0, 16), count(0x20, 16), 6, "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd"},
		{count(0x40, 16), count(0x10, 12), count(0, 20), count(0x20, 24), 8,
			"e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"},
	} {
		block, err := aes.NewCipher(v.key)
		if err != nil {
			t.Fatal(err)
		}
		c := &ccm{block: block, nonce: len(v.nonce), tag: v.tag}
		sealed := c.Seal([]byte("before"), v.nonce, v.plain, v.additional)[len("before"):]
		if hex.EncodeToString(sealed) != v.want {
			t.Errorf("sealed %x, want %s", sealed, v.want)
		}
		plain, err := c.Open(nil, v.nonce, sealed, v.additional)
		if err != nil || !bytes.Equal(plain, v.plain) {
			t.Errorf("opened %x, %v; want %x", plain, err, v.plain)
		}
		for i := range sealed {
			spoiled := bytes.Clone(sealed)
			spoiled[i] ^= 1
			if _, err := c.Open(nil, v.nonce, spoiled, v.additional); err == nil {
				t.Errorf("opens with byte %d spoiled", i)
			}
		}
		if _, err := c.Open(nil, v.nonce, sealed, v.additional[1:]); err == nil {
			t.Error("opens with other additional data")
		}
		if _, err := c.Open(nil, v.nonce, sealed[:v.tag-1], nil); err == nil {
			t.Error("opens without a whole tag")
		}
	}
}
