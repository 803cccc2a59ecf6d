package tlsplain_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
	"sonde/capture/keylog"
	"sonde/capture/tlsplain"
)

// chunk is what one side wrote.
type chunk struct {
	dir  flow.Dir
	data []byte
}

// tap records what passes a connection.
type tap struct {
	net.Conn
	mu     *sync.Mutex
	chunks *[]chunk
}

func (t tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	*t.chunks = append(*t.chunks, chunk{flow.FromClient, bytes.Clone(b)})
	t.mu.Unlock()
	return t.Conn.Write(b)
}

func (t tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	if n > 0 {
		*t.chunks = append(*t.chunks, chunk{flow.FromServer, bytes.Clone(b[:n])})
	}
	t.mu.Unlock()
	return n, err
}

var certificate = func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the server"},
		DNSNames: []string{"example.test"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()

const question, reply = "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"

// talk runs a real session, and returns what was on the wire and its key log.
func talk(t testing.TB, version, cipher uint16) ([]chunk, []byte) {
	var chunks []chunk
	var log bytes.Buffer
	a, b := net.Pipe()
	client := tls.Client(tap{a, new(sync.Mutex), &chunks}, &tls.Config{
		ServerName: "example.test", InsecureSkipVerify: true, KeyLogWriter: &log,
		MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{cipher},
	})
	server := tls.Server(b, &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"},
		SessionTicketsDisabled: true,
	})
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, len(question))
		_, err := io.ReadFull(server, buf)
		if err == nil {
			_, err = io.WriteString(server, reply+strings.Repeat("x", 40_000))
		}
		done <- err
		server.Close()
	}()
	if _, err := io.WriteString(client, question); err != nil {
		t.Fatal(err)
	}
	io.ReadAll(client)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	client.Close()
	return chunks, log.Bytes()
}

// sink keeps what it is told.
type sink struct {
	text [2]strings.Builder
	gaps [2]int64
	ends int
}

func (s *sink) Data(d flow.Dir, _ int64, b []byte) { s.text[d].Write(b) }
func (s *sink) Gap(d flow.Dir, _ int64, n int64)   { s.gaps[d] += n }
func (s *sink) End(flow.Dir, int64, flow.End)      { s.ends++ }

// play gives the chunks to a session, in pieces of n bytes.
func play(chunks []chunk, keys tlsplain.Keys, n int) (*tlsplain.Session, *sink) {
	out := new(sink)
	s := tlsplain.New(keys, out)
	for _, c := range chunks {
		for b := bytes.Clone(c.data); len(b) > 0; {
			k := min(n, len(b))
			s.Data(c.dir, 1, b[:k])
			clear(b[:k])
			b = b[k:]
		}
	}
	s.End(flow.FromClient, 1, flow.EndFIN)
	s.End(flow.FromServer, 1, flow.EndFIN)
	return s, out
}

func TestDecrypt(t *testing.T) {
	tests := []struct {
		version, cipher uint16
	}{
		{tls.VersionTLS13, 0},
		{tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		{tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
	}
	for _, tt := range tests {
		t.Run(tls.VersionName(tt.version)+" "+tls.CipherSuiteName(tt.cipher), func(t *testing.T) {
			chunks, log := talk(t, tt.version, tt.cipher)
			for _, n := range []int{1 << 20, 1000, 1} {
				keys := new(keylog.Log)
				keys.Add(log)
				s, out := play(chunks, keys, n)
				i := s.Info()
				if out.text[0].String() != question || out.text[1].String() != reply+strings.Repeat("x", 40_000) {
					t.Fatalf("in pieces of %d: %d and %d bytes; %+v", n, out.text[0].Len(), out.text[1].Len(), i)
				}
				if i.ServerName != "example.test" || i.Protocol != "http/1.1" || i.Version != tt.version ||
					tt.cipher != 0 && i.Cipher != tt.cipher || len(i.Offered) != 2 || out.ends != 2 || !i.Decrypted ||
					len(i.Certificates) != 1 || i.Certificates[0].Subject != "the server" || i.Certificates[0].Names[0] != "example.test" {
					t.Errorf("%+v, %d ends", i, out.ends)
				}
			}
		})
	}
}

func TestNoKeys(t *testing.T) {
	chunks, _ := talk(t, tls.VersionTLS13, 0)
	s, out := play(chunks, nil, 100)
	if i := s.Info(); i.ServerName != "example.test" || i.Problem != "no key log" || i.Decrypted || i.Bytes[1] < 40_000 {
		t.Errorf("%+v", i)
	}
	s, _ = play(chunks, new(keylog.Log), 100)
	if i := s.Info(); i.Problem != "no secrets for this session" {
		t.Errorf("%+v", i)
	}
	if out.text[0].Len()+out.text[1].Len() != 0 || out.ends != 2 {
		t.Error("something was read without keys")
	}
	chunks, _ = talk(t, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	s, _ = play(chunks, nil, 100)
	if i := s.Info(); len(i.Certificates) != 1 || i.Protocol != "http/1.1" {
		t.Errorf("what TLS 1.2 shows in clear: %+v", i)
	}
}

// late gives its keys when they were asked for some times.
type late struct {
	*keylog.Log
	left int
}

func (l *late) Lookup(label string, random [32]byte) []byte {
	if l.left--; l.left > 0 {
		return nil
	}
	return l.Log.Lookup(label, random)
}

func TestLateKeys(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		chunks, log := talk(t, version, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		keys := &late{new(keylog.Log), 5}
		keys.Add(log)
		if s, out := play(chunks, keys, 1<<20); out.text[0].String() != question || out.text[1].Len() != len(reply)+40_000 {
			t.Errorf("%+v: %q, %d bytes", s.Info(), out.text[0].String(), out.text[1].Len())
		}
	}
}

// TestGap leaves bytes out of the middle of a record: the next one is read again.
func TestGap(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		chunks, log := talk(t, version, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		var keys keylog.Log
		keys.Add(log)
		out := new(sink)
		s := tlsplain.New(&keys, out)
		var all []byte // the server's bytes, from the first answer on
		for _, c := range chunks {
			if c.dir == flow.FromServer && out.text[1].Len() > 0 {
				all = append(all, c.data...)
				continue
			}
			s.Data(c.dir, 1, c.data)
		}
		for i := 0; len(all) > 0; i++ {
			_, n, err := tlsrec.ParseRecord(all)
			if err != nil || n == 0 {
				t.Fatal("records:", err)
			}
			if i == 3 {
				s.Data(flow.FromServer, 1, all[:100])
				s.Gap(flow.FromServer, 1, 500)
				s.Data(flow.FromServer, 1, all[600:n])
			} else {
				s.Data(flow.FromServer, 1, all[:n])
			}
			all = all[n:]
		}
		if n := out.text[1].Len() + int(out.gaps[1]); out.gaps[1] == 0 || n < len(reply)+40_000 || out.text[1].Len() < 20_000 {
			t.Errorf("%d bytes, %d missing: %+v", out.text[1].Len(), out.gaps[1], s.Info())
		}
		s.Gap(flow.FromClient, 1, 100)
		if s.Info().Problem == "" {
			t.Error("a gap between records loses count of them")
		}
	}
}

func FuzzSession(f *testing.F) {
	chunks, log := talk(f, tls.VersionTLS13, 0)
	var keys keylog.Log
	keys.Add(log)
	for _, c := range chunks {
		f.Add(c.data, uint8(c.dir))
	}
	chunks12, log12 := talk(f, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	keys.Add(log12)
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		chunks := [][]chunk{chunks, chunks12}[how>>1&1]
		s := tlsplain.New(&keys, new(sink))
		for _, c := range chunks[:min(len(chunks), int(how>>2&7))] {
			s.Data(c.dir, 1, c.data)
		}
		s.Data(flow.Dir(how&1), 1, b)
		s.Gap(flow.Dir(how&1), 1, int64(how))
		s.Data(flow.Dir(how&1), 1, b)
		s.End(0, 1, flow.EndFIN)
		s.End(1, 1, flow.EndFIN)
	})
}

func ExampleSession() {
	var t testing.T
	chunks, log := talk(&t, tls.VersionTLS13, 0)
	var keys keylog.Log
	keys.Add(log)

	out := new(sink) // any flow.Stream
	s := tlsplain.New(&keys, out)
	for _, c := range chunks {
		s.Data(c.dir, 0, c.data)
	}
	i := s.Info()
	fmt.Println(i.ServerName, tlsrec.VersionName(i.Version), i.Protocol)
	fmt.Print(out.text[flow.FromClient].String())
	// Output:
	// example.test TLS 1.3 http/1.1
	// GET / HTTP/1.1
}
