package dial

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// TestMain checks that no test leaves a goroutine or a descriptor behind.
func TestMain(m *testing.M) {
	warmUp()
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(goroutines, fds)
	}
	os.Exit(code)
}

// warmUp opens what the runtime keeps open: the poller's descriptors.
func warmUp() {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
}

func leaks(goroutines, fds int) int {
	for range 100 {
		if runtime.NumGoroutine() <= goroutines && descriptors() <= fds {
			return 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Fprintf(os.Stderr, "left behind: %d goroutines (were %d), %d descriptors (were %d)\n",
		runtime.NumGoroutine(), goroutines, descriptors(), fds)
	pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	return 1
}

// descriptors counts open ones; 0 where that cannot be told.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// server accepts on network and addr until the test ends, and calls serve for
// each connection, which it closes after.
func server(t testing.TB, network, addr string, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("cannot listen on %s %s: %v", network, addr, err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l
}

// drain reads until the client closes.
func drain(c net.Conn) { io.Copy(io.Discard, c) }

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func routeTo(scheme, host, port string) message.Route {
	return message.Route{
		Origin:    message.Origin{Scheme: scheme, Host: host, Port: port},
		Protocols: message.HTTP1,
	}
}

// names is a Resolver of fixed answers; a missing one is "no such host".
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range n[host] {
		if a := netip.MustParseAddr(s); a.Is4() == (network == "ip4") {
			out = append(out, a)
		}
	}
	if out == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return out, nil
}

func recorded() (*trace.Recorder, *event.Log) {
	r := &trace.Recorder{}
	return r, &event.Log{Sink: r, Call: 7, Attempt: 2}
}

// kinds is the sequence of kinds that r has.
func kinds(r *trace.Recorder) string {
	var b bytes.Buffer
	for i, e := range r.Events() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Kind.String())
		if e.Err != nil {
			b.WriteByte('!')
		}
	}
	return b.String()
}

// wantFault checks err's phase and what errors.Is finds in it.
func wantFault(t *testing.T, err error, op string, is ...error) {
	t.Helper()
	f, ok := err.(*fault.Fault)
	if !ok {
		t.Fatalf("error is %T (%v), want a *fault.Fault", err, err)
	}
	if f.Op != op {
		t.Errorf("phase is %q, want %q: %v", f.Op, op, err)
	}
	for _, target := range is {
		if !errors.Is(err, target) {
			t.Errorf("%v: errors.Is does not find %v", err, target)
		}
	}
}

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t testing.TB, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// leaf is a certificate for a server of these names and addresses, or for a client.
func (a *authority) leaf(t testing.TB, hosts ...string) tls.Certificate {
	c := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "leaf"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	cert, key := a.issue(t, c)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}
