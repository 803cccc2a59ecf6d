package dial

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// tlsServer answers each connection's first byte with "ok", after a handshake.
func tlsServer(t testing.TB, network, addr string, c *tls.Config) net.Listener {
	return server(t, network, addr, func(raw net.Conn) {
		conn := tls.Server(raw, c)
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil {
			return
		}
		conn.Write([]byte("ok"))
		drain(conn)
	})
}

// talk exchanges the bytes that tlsServer expects, and so reads its tickets.
func talk(t *testing.T, rw io.ReadWriter) {
	t.Helper()
	if _, err := rw.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2)
	if _, err := io.ReadFull(rw, b); err != nil || string(b) != "ok" {
		t.Fatalf("read %q, %v", b, err)
	}
}

var local = names{"name.test": {"127.0.0.1"}, "other.test": {"127.0.0.1"}}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	asked := make(chan string, 1)
	l := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "name.test", "127.0.0.1", "::1")},
		NextProtos:   []string{"h2", "http/1.1"},
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			asked <- h.ServerName
			return nil, nil
		},
	})
	for _, c := range []struct {
		name, host string
		protocols  message.Protocols
		config     *tls.Config
		proto, sni string
		version    uint16
	}{
		{name: "HTTP/1 only", host: "name.test", protocols: message.HTTP1, proto: "http/1.1", sni: "name.test", version: tls.VersionTLS13},
		{name: "HTTP/2 preferred", host: "name.test", protocols: message.HTTP1 | message.HTTP2, proto: "h2", sni: "name.test", version: tls.VersionTLS13},
		{name: "HTTP/2 only", host: "name.test", protocols: message.HTTP2, proto: "h2", sni: "name.test", version: tls.VersionTLS13},
		{name: "none", host: "name.test", proto: "", sni: "name.test", version: tls.VersionTLS13},
		{name: "NextProtos is ignored", host: "name.test", protocols: message.HTTP1, config: &tls.Config{NextProtos: []string{"h2"}},
			proto: "http/1.1", sni: "name.test", version: tls.VersionTLS13},
		{name: "TLS 1.2", host: "name.test", protocols: message.HTTP1, config: &tls.Config{MaxVersion: tls.VersionTLS12},
			proto: "http/1.1", sni: "name.test", version: tls.VersionTLS12},
		{name: "an address has no SNI", host: "127.0.0.1", protocols: message.HTTP1, proto: "http/1.1", version: tls.VersionTLS13},
		{name: "ServerName", host: "127.0.0.1", protocols: message.HTTP1, config: &tls.Config{ServerName: "name.test"},
			proto: "http/1.1", sni: "name.test", version: tls.VersionTLS13},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, log := recorded()
			if c.config == nil {
				c.config = &tls.Config{}
			}
			c.config.RootCAs = ca.pool
			d := New(Config{Resolver: local, TLS: c.config, TLSTimeout: time.Minute})
			route := routeTo("https", c.host, portOf(l))
			route.Protocols = c.protocols
			res, err := d.Dial(context.Background(), route, log)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Socket.Kill()
			talk(t, res.TLS)
			sni := <-asked
			if res.Proto != c.proto || res.State.Version != c.version || sni != c.sni || res.Times.TLS <= 0 {
				t.Errorf("ALPN %q, version %x, SNI %q, time %v", res.Proto, res.State.Version, sni, res.Times.TLS)
			}
			events := rec.Events()
			begin, done := events[len(events)-2], events[len(events)-1]
			if begin.Kind != trace.TLSStart || begin.Host() == "" ||
				done.Kind != trace.TLSDone || done.Proto() != c.proto || done.TLSVersion() != c.version {
				t.Errorf("events %+v, %+v", begin, done)
			}
		})
	}
}

// TestTLSZone: an IPv6 zone serves for dialing only.
func TestTLSZone(t *testing.T) {
	ca := newAuthority(t)
	l := tlsServer(t, "tcp6", "[::1]:0", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "::1")}})
	d := New(Config{TLS: &tls.Config{RootCAs: ca.pool}})
	res, err := d.Dial(context.Background(), routeTo("https", "::1%lo", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Socket.Kill()
}

func TestTLSUnix(t *testing.T) {
	ca := newAuthority(t)
	path := filepath.Join(t.TempDir(), "s")
	tlsServer(t, "unix", path, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "name.test")}})
	route := routeTo("https", "name.test", "443")
	route.Unix = path
	res, err := New(Config{TLS: &tls.Config{RootCAs: ca.pool}}).Dial(context.Background(), route, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Socket.Kill()
	talk(t, res.TLS)
}

func TestResumption(t *testing.T) {
	ca := newAuthority(t)
	l := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "name.test")}})
	for _, c := range []struct {
		name   string
		config *tls.Config
		want   bool
	}{
		{"by default", &tls.Config{}, true},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"switched off", &tls.Config{SessionTicketsDisabled: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.RootCAs = ca.pool
			d := New(Config{Resolver: local, TLS: c.config})
			for i, want := range []bool{false, c.want} {
				rec, log := recorded()
				res, err := d.Dial(context.Background(), routeTo("https", "name.test", portOf(l)), log)
				if err != nil {
					t.Fatal(err)
				}
				talk(t, res.TLS)
				res.Socket.Kill()
				events := rec.Events()
				if res.State.DidResume != want || events[len(events)-1].Resumed() != want {
					t.Errorf("handshake %d resumed: %v, want %v", i+1, res.State.DidResume, want)
				}
			}
		})
	}
	if c := (&tls.Config{RootCAs: ca.pool}); New(Config{TLS: c}) == nil || c.ClientSessionCache != nil || c.MinVersion != 0 {
		t.Error("New changed the caller's config")
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	l := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "name.test")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.pool,
	})
	var keys bytes.Buffer
	d := New(Config{Resolver: local, TLS: &tls.Config{
		RootCAs: ca.pool, Certificates: []tls.Certificate{ca.leaf(t)}, KeyLogWriter: &keys,
	}})
	res, err := d.Dial(context.Background(), routeTo("https", "name.test", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	talk(t, res.TLS)
	res.Socket.Kill()
	if !strings.Contains(keys.String(), "CLIENT_TRAFFIC_SECRET_0") {
		t.Errorf("the key log has %q", keys.String())
	}
	// TLS 1.2, because under 1.3 the client learns of it only when it reads.
	d = New(Config{Resolver: local, TLS: &tls.Config{RootCAs: ca.pool, MaxVersion: tls.VersionTLS12}})
	_, err = d.Dial(context.Background(), routeTo("https", "name.test", portOf(l)), nil)
	wantFault(t, err, fault.TLS)
}

func TestTLSFailures(t *testing.T) {
	ca := newAuthority(t)
	good := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "name.test")}})
	old := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "name.test")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	plain := server(t, "tcp4", "127.0.0.1:0", func(c net.Conn) {
		c.Read(make([]byte, 1))
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		drain(c)
	})
	closing := server(t, "tcp4", "127.0.0.1:0", func(c net.Conn) { c.Read(make([]byte, 4096)) })
	mine := errors.New("not trusted here")
	for _, c := range []struct {
		name, host string
		listener   net.Listener
		config     *tls.Config
		text       string
		check      func(error) bool
	}{
		{"wrong host", "other.test", good, &tls.Config{RootCAs: ca.pool}, "other.test", isCertificateError},
		{"unknown authority", "name.test", good, &tls.Config{}, "unknown authority", isCertificateError},
		{"verification override", "name.test", good, &tls.Config{InsecureSkipVerify: true,
			VerifyConnection: func(tls.ConnectionState) error { return mine }}, "", func(err error) bool { return errors.Is(err, mine) }},
		{"TLS 1.1", "name.test", old, &tls.Config{RootCAs: ca.pool}, "protocol version", func(error) bool { return true }},
		{"plain server", "name.test", plain, &tls.Config{}, "plain HTTP answer", func(err error) bool {
			_, ok := errors.AsType[tls.RecordHeaderError](err)
			return ok
		}},
		{"server that closes", "name.test", closing, &tls.Config{}, "closed the connection", func(err error) bool { return errors.Is(err, io.EOF) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, log := recorded()
			d := New(Config{Resolver: local, TLS: c.config})
			_, err := d.Dial(context.Background(), routeTo("https", c.host, portOf(c.listener)), log)
			wantFault(t, err, fault.TLS)
			if !strings.Contains(err.Error(), c.text) || !c.check(err) {
				t.Errorf("error is %v", err)
			}
			if want := "dns-start dns-done connect-start connect-done tls-start tls-done!"; kinds(rec) != want {
				t.Errorf("events %s", kinds(rec))
			}
		})
	}
}

func isCertificateError(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// TestStalledHandshake: a peer that says nothing is left at once, by timeout, by
// cancel and by deadline, and sees the connection end.
func TestStalledHandshake(t *testing.T) {
	ended := make(chan struct{}, 10)
	l := server(t, "tcp4", "127.0.0.1:0", func(c net.Conn) {
		drain(c)
		ended <- struct{}{}
	})
	cause := errors.New("enough")
	canceled := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(50*ms, func() { cancel(cause) })
		return ctx, func() { cancel(nil) }
	}
	for _, c := range []struct {
		name    string
		timeout time.Duration
		ctx     func() (context.Context, context.CancelFunc)
		is      []error
	}{
		{"timeout", 50 * ms, func() (context.Context, context.CancelFunc) { return context.Background(), func() {} },
			[]error{os.ErrDeadlineExceeded}},
		{"cancel", time.Minute, canceled, []error{context.Canceled, cause}},
		{"deadline", time.Minute, func() (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(context.Background(), 50*ms, cause)
		}, []error{context.DeadlineExceeded, cause}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := New(Config{TLSTimeout: c.timeout})
			ctx, cancel := c.ctx()
			defer cancel()
			begin := time.Now()
			_, err := d.Dial(ctx, routeTo("https", "127.0.0.1", portOf(l)), nil)
			wantFault(t, err, fault.TLS, c.is...)
			if took := time.Since(begin); took < 50*ms || took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			select {
			case <-ended:
			case <-time.After(2 * time.Second):
				t.Error("the connection is still open")
			}
		})
	}
}

// TestTLSTimeoutIsOver: the time for the handshake does not bound what follows.
func TestTLSTimeoutIsOver(t *testing.T) {
	ca := newAuthority(t)
	l := tlsServer(t, "tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "127.0.0.1")}})
	d := New(Config{TLS: &tls.Config{RootCAs: ca.pool}, TLSTimeout: 500 * ms})
	ctx, cancel := context.WithCancel(context.Background())
	res, err := d.Dial(ctx, routeTo("https", "127.0.0.1", portOf(l)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Socket.Kill()
	cancel()
	time.Sleep(600 * ms)
	talk(t, res.TLS)
}
