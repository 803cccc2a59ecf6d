package tlsrec_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"sonde/capture/decode/tlsrec"
)

// clientHello returns the first record of a real client.
func clientHello(t testing.TB, c *tls.Config) []byte {
	a, b := net.Pipe()
	go func() {
		tls.Client(a, c).Handshake()
	}()
	head := make([]byte, tlsrec.HeaderLen)
	if _, err := io.ReadFull(b, head); err != nil {
		t.Fatal(err)
	}
	record := append(head, make([]byte, int(head[3])<<8|int(head[4]))...)
	if _, err := io.ReadFull(b, record[tlsrec.HeaderLen:]); err != nil {
		t.Fatal(err)
	}
	b.Close()
	return record
}

func TestClientHello(t *testing.T) {
	record := clientHello(t, &tls.Config{ServerName: "example.test", NextProtos: []string{"h2", "http/1.1"}})
	r, n, err := tlsrec.ParseRecord(record)
	if err != nil || n != len(record) || r.Type != tlsrec.Handshake {
		t.Fatal(r.Type, n, err)
	}
	m, n := tlsrec.ParseMessage(r.Fragment)
	var h tlsrec.ClientHello
	if m.Type != tlsrec.TypeClientHello || n != len(r.Fragment) || !tlsrec.ParseClientHello(m.Body, &h) {
		t.Fatal(m.Type, n)
	}
	if h.ServerName != "example.test" || fmt.Sprint(h.ALPN) != "[h2 http/1.1]" || h.MaxVersion() != tls.VersionTLS13 ||
		len(h.SessionID) != 32 || len(h.Ciphers) < 6 || h.EarlyData || h.PSK {
		t.Errorf("%+v", h)
	}
	for cut := range m.Body {
		tlsrec.ParseClientHello(m.Body[:cut], &h)
	}
}

func TestServerHello(t *testing.T) {
	random := string(make([]byte, 32))
	var h tlsrec.ServerHello
	body := "\x03\x03" + random + "\x00\x13\x01\x00\x00\x0c\x00\x2b\x00\x02\x03\x04\x00\x29\x00\x02\x00\x00"
	if !tlsrec.ParseServerHello([]byte(body), &h) || h.Version != tls.VersionTLS13 || h.Cipher != 0x1301 || !h.PSK || h.Retry {
		t.Errorf("TLS 1.3: %+v", h)
	}
	body = "\x03\x03" + random + "\x00\xc0\x2f\x00\x00\x09\x00\x10\x00\x05\x00\x03\x02h2"
	if !tlsrec.ParseServerHello([]byte(body), &h) || h.Version != tls.VersionTLS12 || h.ALPN != "h2" ||
		tlsrec.CipherName(h.Cipher) != "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" {
		t.Errorf("TLS 1.2: %+v", h)
	}
	if tlsrec.ParseServerHello([]byte(body[:40]), &h) || tlsrec.ParseServerHello([]byte(body[:len(body)-1]), &h) {
		t.Error("a hello that is cut passed")
	}
}

func TestParseRecord(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		fail bool
	}{
		{"", 0, false}, {"\x16", 0, false}, {"\x16\x03\x01\x00", 0, false}, {"\x16\x03\x01\x00\x02a", 0, false},
		{"\x16\x03\x01\x00\x02abc", 7, false}, {"GET", 0, true}, {"\x16\x04", 0, true},
		{"\x17\x03\x03\xff\xff", 0, true}, {"\x17\x03\x09\x00\x00", 0, true},
	}
	for _, tt := range tests {
		if _, n, err := tlsrec.ParseRecord([]byte(tt.in)); n != tt.n || errors.Is(err, tlsrec.ErrRecord) != tt.fail {
			t.Errorf("%q: %d, %v", tt.in, n, err)
		}
	}
	if s := tlsrec.AlertText([]byte{2, 40}); s != "fatal: handshake failure" {
		t.Error(s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(clientHello(f, &tls.Config{ServerName: "example.test", NextProtos: []string{"h2"}}))
	f.Add([]byte("\x16\x03\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, n, _ := tlsrec.ParseRecord(b)
		if n > len(b) {
			t.Fatal("more than there is")
		}
		for _, body := range [][]byte{b, r.Fragment} {
			m, _ := tlsrec.ParseMessage(body)
			for _, body := range [][]byte{body, m.Body} {
				var c tlsrec.ClientHello
				var s tlsrec.ServerHello
				tlsrec.ParseClientHello(body, &c)
				c.MaxVersion()
				tlsrec.ParseServerHello(body, &s)
				tlsrec.ParseEncryptedExtensions(body)
				tlsrec.ParseCertificates(body, 0x0303)
				tlsrec.ParseCertificates(body, 0x0304)
			}
		}
		_, _, _ = r.Type.String(), tlsrec.MessageType(n).String(), tlsrec.AlertText(b)
	})
}

func ExampleClientHello() {
	var t testing.T
	r, _, _ := tlsrec.ParseRecord(clientHello(&t, &tls.Config{ServerName: "example.test", NextProtos: []string{"h2"}}))
	m, _ := tlsrec.ParseMessage(r.Fragment)
	var h tlsrec.ClientHello
	ok := tlsrec.ParseClientHello(m.Body, &h)
	fmt.Println(ok, m.Type, h.ServerName, h.ALPN, tlsrec.VersionName(h.MaxVersion()))
	// Output: true ClientHello example.test [h2] TLS 1.3
}
