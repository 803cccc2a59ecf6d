package h1

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"sonde/internal/clock"
	"sonde/internal/socket"
)

// TestFrame: what frame says is what crypto/tls adds to a record.
func TestFrame(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		version, suite uint16 // 0: the first that there is
		varies         bool
	}{
		{version: tls.VersionTLS13},
		{version: tls.VersionTLS12, suite: tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
		{version: tls.VersionTLS12, suite: tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{version: tls.VersionTLS12, suite: tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		{version: tls.VersionTLS12, suite: tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, varies: true},
	} {
		config := &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, InsecureSkipVerify: true,
			MinVersion: tt.version, MaxVersion: tt.version, SessionTicketsDisabled: true,
		}
		if tt.suite != 0 {
			config.CipherSuites = []uint16{tt.suite}
		}
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		go tls.Server(far, config).Write([]byte("one record"))
		sock := socket.New(near)
		client := tls.Client(sock, config)
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		c := NewConn(sock, client)
		var call socket.Call
		sock.Begin(&call, nil, 0, clock.Now())
		name := tls.VersionName(tt.version) + " " + tls.CipherSuiteName(client.ConnectionState().CipherSuite)
		var part [4]byte
		if n, err := c.read(part[:]); n != 4 || err != nil {
			t.Fatal(n, err)
		}
		if sock.Frame != 0 && sock.Overhead() == int64(sock.Frame) {
			t.Errorf("%s: a part of a record counts as all of it", name)
		}
		var rest [16]byte
		if n, err := c.read(rest[:]); string(rest[:n]) != "record" || err != nil {
			t.Fatalf("%q, %v", rest[:n], err)
		}
		if tt.varies != (sock.Frame == 0) || !tt.varies && sock.Overhead() != int64(sock.Frame) {
			t.Errorf("%s: %d bytes more, and frame says %d", name, sock.Overhead(), sock.Frame)
		}
	}
}
