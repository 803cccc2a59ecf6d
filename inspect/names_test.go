package inspect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	bigint "math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde/inspect"
)

// spoken is one write of a side.
type spoken struct {
	from int
	data string
}

// tape keeps what both ends of a pipe write, in order.
type tape struct {
	mu  sync.Mutex
	all []spoken
}

type taped struct {
	net.Conn
	t    *tape
	from int
}

func (c *taped) Write(b []byte) (int, error) {
	c.t.mu.Lock()
	c.t.all = append(c.t.all, spoken{c.from, string(b)})
	c.t.mu.Unlock()
	return c.Conn.Write(b)
}

// talk is a request and its response over TLS, as it is written.
func talk(t *testing.T, name string, cert tls.Certificate, version uint16) []spoken {
	t.Helper()
	var record tape
	a, b := net.Pipe()
	server := tls.Server(&taped{b, &record, 1}, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
	client := tls.Client(&taped{a, &record, 0}, &tls.Config{InsecureSkipVerify: true, ServerName: name, MaxVersion: version})
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(server, make([]byte, 200))
		if err == nil {
			_, err = server.Write(make([]byte, 300))
		}
		done <- err
	}()
	if _, err := client.Write(make([]byte, 200)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 300)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return record.all
}

func certificate(t *testing.T, number int64) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: bigint.NewInt(number)},
		&x509.Certificate{SerialNumber: bigint.NewInt(number)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestNamesApart: connections for several names could be one where the certificate
// is the same, which TLS 1.2 shows and TLS 1.3 does not.
func TestNamesApart(t *testing.T) {
	t.Parallel()
	one := certificate(t, 1)
	tests := []struct {
		name     string
		version  uint16
		hosts    string
		each     bool // a certificate for each
		want     string
		evidence string
	}{
		{"TLS 1.2, one certificate", tls.VersionTLS12, "a.example b.other c.third d.fourth", false, "names-apart", "the same certificate"},
		{"TLS 1.2, a certificate for each", tls.VersionTLS12, "a.example b.example c.example d.example", true, "", ""},
		{"TLS 1.3, one domain", tls.VersionTLS13, "a.example.org b.example.org c.example.org d.example.org", false, "names-apart", "TLS 1.3 hides"},
		{"TLS 1.3, sites of their own", tls.VersionTLS13, "a.example b.other c.third d.fourth", false, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire(inspect.Config{})
			for n, host := range strings.Fields(tt.hosts) {
				cert := one
				if tt.each {
					cert = certificate(t, int64(2+n))
				}
				c := w.dial(uint16(4000+n), 1)
				for _, s := range talk(t, host, cert, tt.version) {
					c.packet(s.from, ack, s.data)
				}
				w.wait(time.Second)
			}
			r := w.in.Finish()
			t.Logf("%s", r.AppendText(nil))
			checkCauses(t, &r.Verdict, tt.want)
			if tt.evidence != "" && len(r.Verdict.Causes) > 0 && !strings.Contains(r.Verdict.Causes[0].Evidence, tt.evidence) {
				t.Errorf("%q does not say %q", r.Verdict.Causes[0].Evidence, tt.evidence)
			}
			if v := r.Verdict; v.Requests != len(strings.Fields(tt.hosts)) {
				t.Errorf("%d requests", v.Requests)
			}
		})
	}
}
