package tlsrec_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"time"

	"sonde/capture/decode/tlsrec"
)

// The records at the start of a stream, and the message in the first one.
func ExampleRecord() {
	stream := []byte("\x16\x03\x03\x00\x04" + "\x0e\x00\x00\x00" + "\x15\x03\x03\x00\x02" + "\x02\x28" + "\x17\x03\x03")
	for {
		var r tlsrec.Record
		r, n, err := tlsrec.ParseRecord(stream)
		if err != nil || n == 0 {
			fmt.Println(len(stream), "bytes are no whole record yet,", err)
			return
		}
		stream = stream[n:]
		var kind tlsrec.ContentType = r.Type
		switch kind {
		case tlsrec.Handshake:
			var m tlsrec.Message
			m, _ = tlsrec.ParseMessage(r.Fragment)
			var what tlsrec.MessageType = m.Type
			fmt.Println(kind, what)
		case tlsrec.Alert:
			fmt.Println(kind, tlsrec.AlertText(r.Fragment))
		}
	}
	// Output:
	// Handshake ServerHelloDone
	// Alert fatal: handshake failure
	// 3 bytes are no whole record yet, <nil>
}

func ExampleServerHello() {
	body := "\x03\x03" + string(make([]byte, 32)) + "\x00\xc0\x2f\x00\x00\x09\x00\x10\x00\x05\x00\x03\x02h2"
	var h tlsrec.ServerHello
	ok := tlsrec.ParseServerHello([]byte(body), &h)
	fmt.Println(ok, tlsrec.VersionName(h.Version), tlsrec.CipherName(h.Cipher), h.ALPN)
	// Output: true TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 h2
}

func ExampleCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a server"}, DNSNames: []string{"example.test"},
		NotAfter: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	length := func(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }
	body := append(length(len(der)+3), append(length(len(der)), der...)...)

	var all []tlsrec.Certificate = tlsrec.ParseCertificates(body, 0x0303)
	for _, c := range all {
		fmt.Println(c.Subject, c.Issuer, c.Names, c.NotAfter.Year())
	}
	// Output: a server a server [example.test] 2030
}
