package sniff

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/internal/build"
)

// writeCapture makes a file of one packet a second, from the first second of
// 1970's second day on.
func writeCapture(t *testing.T, frames ...[]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.pcapng")
	f, err := capture.Create(name, capture.FileConfig{WriterConfig: capture.WriterConfig{
		Interfaces: []capture.Interface{{Name: "eth0", Link: capture.LinkEthernet}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range frames {
		p := capture.Packet{Time: int64(24*time.Hour) + int64(i)*int64(time.Second), Data: b, Length: len(b), Link: capture.LinkEthernet}
		if err := f.WritePacket(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// runFile runs with Unix times, and returns both outputs.
func runFile(t *testing.T, cfg Config) (out, said string) {
	t.Helper()
	var o, e bytes.Buffer
	cfg.Out, cfg.Err, cfg.Style.Time = &o, &e, TimeUnix
	if err := Run(context.Background(), cfg); err != nil {
		t.Error(err)
	}
	return o.String(), e.String()
}

// TestViewTimes shows what has no request to take the time from: a response
// whose request was not captured, and TLS that nobody has the keys of.
func TestViewTimes(t *testing.T) {
	to := build.TCP{Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 40000, DstPort: 80, Seq: 1, Ack: 1, Flags: 0x10}
	from := build.TCP{Src: "10.0.0.2", Dst: "10.0.0.1", SrcPort: 80, DstPort: 40000, Seq: 1, Ack: 1, Flags: 0x10}
	answer := from.Frame([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	out, _ := runFile(t, Config{Read: writeCapture(t, to.Frame(nil), answer), HTTP: true})
	if !strings.HasPrefix(out, "86401.000000 10.0.0.1.40000") || !strings.Contains(out, "request not captured") {
		t.Errorf("a response alone: %q", out)
	}
	to.Flags = 0x02
	syn := to.Frame(nil)
	to.Seq, to.Flags = 2, 0x10
	hello := to.Frame([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"))
	out, _ = runFile(t, Config{Read: writeCapture(t, syn, hello), HTTP: true})
	if !strings.HasPrefix(out, "86400.000000 10.0.0.1.40000") || !strings.Contains(out, "TLS") {
		t.Errorf("TLS without keys: %q", out)
	}
}

func TestSaidAtTheEnd(t *testing.T) {
	file := writeCapture(t, build.TCP{Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 40000, DstPort: 80, Flags: 0x02}.Frame(nil))
	if _, said := runFile(t, Config{Read: file, Following: true, Follow: 1}); !strings.Contains(said, "no TCP connection 1\n") {
		t.Errorf("following a connection that is not there says %q", said)
	}
	if _, said := runFile(t, Config{Read: file, Following: true}); strings.Contains(said, "no TCP connection") {
		t.Errorf("following one that is there says %q", said)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, lost := range map[string]bool{"out.pcap": true, "out.pcapng": false} {
		cfg := Config{Read: file, KeyLog: keys, Write: filepath.Join(t.TempDir(), name)}
		cfg.File.Format = capture.FormatOf(name)
		if _, said := runFile(t, cfg); strings.Contains(said, "secrets of the key log are not written") != lost {
			t.Errorf("a key log and %s: it says %q", name, said)
		}
	}
}
