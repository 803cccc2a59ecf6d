package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sonde/internal/proxy/proxytest"
)

// testProxies are the addresses of proxies.
type testProxies struct{ open, closed, digest, secure, authority string }

func startProxies(t *testing.T) *testProxies {
	t.Helper()
	start := func(p *proxytest.Proxy) string {
		addr, stop, err := p.Listen()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		return addr
	}
	s := httptest.NewTLSServer(nil) // for its certificate
	defer s.Close()
	p := &testProxies{
		open:   start(&proxytest.Proxy{}),
		closed: start(&proxytest.Proxy{User: "me", Password: "secret"}),
		digest: start(&proxytest.Proxy{Digest: true}),
		secure: start(&proxytest.Proxy{TLS: &tls.Config{Certificates: s.TLS.Certificates}}),
	}
	p.authority = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(p.authority, block, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *testProxies) setenv(env *testscript.Env) {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		env.Setenv(name, "")
		env.Setenv(strings.ToUpper(name), "")
	}
	env.Setenv("PROXY", "http://"+p.open)
	env.Setenv("PROXYADDR", p.open)
	env.Setenv("CLOSEDPROXY", "http://"+p.closed)
	env.Setenv("DIGESTPROXY", "http://"+p.digest)
	env.Setenv("DIGESTADDR", p.digest)
	env.Setenv("SECUREPROXY", "https://"+p.secure)
	env.Setenv("PROXYCA", p.authority)
}
