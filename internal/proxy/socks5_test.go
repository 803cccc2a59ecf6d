package proxy

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"sonde/internal/message"
)

// script is a proxy that has said all its words already.
type script struct {
	io.Reader
	said bytes.Buffer // to it
}

func (s *script) Write(p []byte) (int, error) { return s.said.Write(p) }

func me() *message.Proxy {
	return &message.Proxy{Origin: message.Origin{Scheme: "socks5h", Host: "p.test", Port: "1080"}, User: "me", Password: "secret", HasUser: true}
}

// TestSOCKS5Wire: what is sent, to the byte, and that nothing is read beyond the
// reply.
func TestSOCKS5Wire(t *testing.T) {
	for _, tt := range []struct{ host, request string }{
		{"name.test", "\x05\x01\x00\x03\x09name.test\x1f\x90"},
		{"192.0.2.7", "\x05\x01\x00\x01\xc0\x00\x02\x07\x1f\x90"},
		{"::ffff:192.0.2.7", "\x05\x01\x00\x01\xc0\x00\x02\x07\x1f\x90"},
		{"fe80::1%eth0", "\x05\x01\x00\x04\xfe\x80" + strings.Repeat("\x00", 13) + "\x01\x1f\x90"},
	} {
		in := strings.NewReader("\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x00\x50behind")
		s := &script{Reader: in}
		if err := socks5(s, me(), tt.host, 8080); err != nil {
			t.Fatal(err)
		}
		if want := "\x05\x02\x00\x02" + "\x01\x02me\x06secret" + tt.request; s.said.String() != want {
			t.Errorf("%s: %q was sent, want %q", tt.host, s.said.String(), want)
		}
		if rest, _ := io.ReadAll(in); string(rest) != "behind" {
			t.Errorf("%q is left", rest)
		}
	}
	for _, host := range []string{"", strings.Repeat("a", 256)} {
		if err := socks5(&script{Reader: strings.NewReader("")}, me(), host, 80); err == nil {
			t.Errorf("a name of %d bytes", len(host))
		}
	}
}

// FuzzSOCKS5: whatever a proxy says, the handshake ends, with success only after a
// reply that says so, and its error shows no credential.
func FuzzSOCKS5(f *testing.F) {
	for _, seed := range []string{
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x00\x50",
		"\x05\x02\x01\x01", "\x05\xff", "\x04\x5a", "HTTP/1.1 400", "\x05\x00\x05\x05", "\x05\x00\x05\x00\x00\x07",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, words []byte) {
		in := bytes.NewReader(words)
		err := socks5(&script{Reader: in}, me(), "name.test", 80)
		used := words[:len(words)-in.Len()]
		if err == nil && (used[0] != 5 || !bytes.Contains(used, []byte{5, 0})) {
			t.Errorf("success after %q", used)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("credentials in %v", err)
		}
	})
}
