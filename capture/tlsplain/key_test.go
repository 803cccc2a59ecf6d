package tlsplain

import (
	"encoding/hex"
	"testing"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
)

// secrets is a key log with one secret for each label.
type secrets map[string][]byte

func (s secrets) Lookup(label string, _ [32]byte) []byte { return s[label] }

// seal makes a TLS 1.3 record.
func seal(k *key, kind tlsrec.ContentType, text string) []byte {
	plain := append([]byte(text), byte(kind), 0, 0)
	n := len(plain) + k.aead.Overhead()
	head := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	var nonce [12]byte
	copy(nonce[:], k.iv)
	for i := range 8 {
		nonce[11-i] ^= byte(k.seq >> (8 * i))
	}
	k.seq++
	return k.aead.Seal(head, nonce[:], plain, head)
}

func must(t *testing.T, s suite, secret []byte) *key {
	k, err := key13(s, secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type text struct{ s [2]string }

func (x *text) Data(d flow.Dir, _ int64, b []byte) { x.s[d] += string(b) }
func (x *text) Gap(flow.Dir, int64, int64)         {}
func (x *text) End(flow.Dir, int64, flow.End)      {}

// hello is a handshake record of a hello with nothing in it but an extension.
func hello(kind byte, cipher string, ext string) []byte {
	body := "\x03\x03" + string(make([]byte, 32)) + "\x00" + cipher + "\x00" + ext
	if kind == 1 {
		body = "\x03\x03" + string(make([]byte, 32)) + "\x00\x00\x02" + cipher + "\x01\x00" + ext
	}
	m := string([]byte{kind, 0, 0, byte(len(body))}) + body
	return []byte("\x16\x03\x03\x00" + string([]byte{byte(len(m))}) + m)
}

// TestKeys13 goes through every key that a TLS 1.3 client may use: early data,
// handshake, traffic, and two updates; once with early data that are refused,
// and in each suite.
func TestKeys13(t *testing.T) {
	for name, su := range map[string]suite{"\x13\x01": gcm128, "\x13\x02": gcm256, "\x13\x03": chacha, "\x13\x04": ccm128, "\x13\x05": ccm128s} {
		secret := func(c byte) []byte {
			b := make([]byte, su.hash.Size())
			b[0] = c
			return b
		}
		all := secrets{
			"CLIENT_EARLY_TRAFFIC_SECRET": secret('e'), "CLIENT_HANDSHAKE_TRAFFIC_SECRET": secret('h'),
			"CLIENT_TRAFFIC_SECRET_0": secret('t'),
		}
		for _, refused := range []bool{false, true} {
			early := must(t, su, secret('e'))
			if refused {
				early = must(t, su, secret('?'))
			}
			out := new(text)
			s := New(all, out)
			send := func(b []byte) { s.Data(flow.FromClient, 0, b) }
			send(hello(1, name, "\x00\x04\x00\x2a\x00\x00"))
			send(seal(early, tlsrec.ApplicationData, "early "))
			s.Data(flow.FromServer, 0, hello(2, name, "\x00\x06\x00\x2b\x00\x02\x03\x04"))
			send(seal(early, tlsrec.Handshake, "\x05\x00\x00\x00"))
			send(seal(must(t, su, secret('h')), tlsrec.Handshake, "\x14\x00\x00\x00"))
			k := must(t, su, secret('t'))
			for _, word := range []string{"one ", "two ", "three"} {
				send(seal(k, tlsrec.ApplicationData, word))
				send(seal(k, tlsrec.Handshake, "\x18\x00\x00\x01\x00"))
				k, _ = k.next()
			}
			want := "early one two three"
			if refused {
				want = "one two three"
			}
			if out.s[0] != want {
				t.Errorf("%x, refused %v: %q, want %q; %+v", name, refused, out.s[0], want, s.Info())
			}
		}
	}
}

// TestRFC8448 takes the server's handshake traffic secret, key and IV from
// section 3 of that RFC.
func TestRFC8448(t *testing.T) {
	secret, _ := hex.DecodeString("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	key, err := gcm128.expand(secret, "key", 16)
	if err != nil || hex.EncodeToString(key) != "3fce516009c21727d0f2e4e86ee403bc" {
		t.Errorf("key is %x, %v", key, err)
	}
	iv, _ := gcm128.expand(secret, "iv", 12)
	if hex.EncodeToString(iv) != "5d313eb2671276ee13000b30" {
		t.Errorf("iv is %x", iv)
	}
}

// TestWrongSecrets: secrets of another session, or of a wrong length, are no key.
func TestWrongSecrets(t *testing.T) {
	for _, secret := range [][]byte{[]byte("another session's"), {1}, make([]byte, 64)} {
		s := New(secrets{"SERVER_HANDSHAKE_TRAFFIC_SECRET": secret, "SERVER_TRAFFIC_SECRET_0": secret}, new(text))
		s.Data(flow.FromClient, 0, hello(1, "\x13\x01", "\x00\x00"))
		s.Data(flow.FromServer, 0, hello(2, "\x13\x01", "\x00\x06\x00\x2b\x00\x02\x03\x04"))
		for range 100 {
			s.Data(flow.FromServer, 0, seal(must(t, gcm128, []byte("this one's")), tlsrec.ApplicationData, "x"))
		}
		if s.Info().Problem != "a record does not open with the session's secrets" || s.Info().Decrypted {
			t.Errorf("%+v", s.Info())
		}
	}
}
