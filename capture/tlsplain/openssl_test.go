package tlsplain_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
	"sonde/capture/keylog"
	"sonde/capture/tlsplain"
)

// opensslServer starts a server that answers an HTTP request with a page about
// itself. It returns its address.
func opensslServer(t *testing.T, openssl string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	both = append(both, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	file := filepath.Join(dir, "both.pem")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(openssl, append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", file, "-key", file, "-www"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			return address
		}
	}
	t.Skip("this openssl does not say where it listens")
	return ""
}

// opensslTalk sends a request by openssl through a tap, and returns what passed,
// and the key log.
func opensslTalk(t *testing.T, openssl, address string, args ...string) ([]chunk, []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	log := filepath.Join(t.TempDir(), "keys")
	cmd := exec.Command(openssl, append([]string{"s_client", "-connect", l.Addr().String(), "-keylogfile", log, "-ign_eof", "-quiet"}, args...)...)
	cmd.Stdin = strings.NewReader(question)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []chunk
	tapped := tap{server, new(sync.Mutex), &chunks}
	done := make(chan struct{})
	go func() {
		defer close(done)
		relay(client, tapped)
		client.Close()
	}()
	relay(tapped, client)
	server.(*net.TCPConn).CloseWrite()
	<-done
	server.Close()
	cmd.Wait() // what it says of its end depends on who closes first
	keys, err := os.ReadFile(log)
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return chunks, keys
}

func relay(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			to.Write(b[:n])
		}
		if err != nil {
			return
		}
	}
}

// TestOpenSSL: suites that crypto/tls does not have, and those that are told by
// name.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: ", err)
	}
	address := opensslServer(t, openssl, "-cipher", "ALL:@SECLEVEL=0", "-ciphersuites",
		"TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256")
	for _, tt := range []struct {
		args   []string
		cipher string
		opens  bool
	}{
		{[]string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, "TLS_AES_128_CCM_SHA256", true},
		{[]string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}, "TLS_AES_128_CCM_8_SHA256", true},
		{[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM"}, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", true},
		{[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-CCM"}, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", true},
		{[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"}, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", true},
		{[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-CCM8:@SECLEVEL=0"}, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", true},
		{[]string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"}, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", false},
	} {
		t.Run(tt.cipher, func(t *testing.T) {
			chunks, log := opensslTalk(t, openssl, address, tt.args...)
			keys := &keylog.Log{}
			keys.Add(log)
			out := new(sink)
			s := tlsplain.New(keys, out)
			for _, c := range chunks {
				s.Data(c.dir, 0, c.data)
			}
			i := s.Info()
			if got := tlsrec.CipherName(i.Cipher); got != tt.cipher {
				t.Fatalf("the suite is %s; %+v", got, i)
			}
			if !tt.opens {
				if i.Decrypted || i.Problem != tt.cipher+" is a CBC suite, of which none is decrypted" {
					t.Errorf("%+v", i)
				}
				return
			}
			page := out.text[flow.FromServer].String()
			if out.text[flow.FromClient].String() != question || !strings.HasPrefix(page, "HTTP/1.0 200 ok") || !strings.Contains(page, "</pre>") || i.Problem != "" {
				t.Errorf("%q\n%q\n%+v", out.text[flow.FromClient].String(), page, i)
			}
		})
	}
}
