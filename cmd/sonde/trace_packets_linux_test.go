package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestTracePackets: the packets stand under the picture, and the file names their
// requests and decrypts itself.
func TestTracePackets(t *testing.T) {
	needPackets(t)
	s := startServer(t)
	file := filepath.Join(t.TempDir(), "trace.pcapng")
	out, diag, code := outputs(t, "trace", "-k", "-n", "2", "--pcap", file, s.tls+"/hello")
	if code != 0 {
		t.Fatalf("code %d: %s", code, diag)
	}
	_, packets, found := strings.Cut(out, "\npackets\n")
	if !found || !strings.Contains(packets, "> SYN\n") || !strings.Contains(packets, "< SYN ACK\n") || !strings.Contains(packets, " bytes\n") {
		t.Errorf("%s", out)
	}
	out, diag, code = outputs(t, "sniff", "-r", file, "--http")
	if code != 0 || strings.Count(out, "/hello HTTP/1.1 -> 200") != 2 {
		t.Errorf("code %d: %q, %q", code, out, diag)
	}
	out, _, _ = outputs(t, "sniff", "-n", "-r", file)
	for _, want := range []string{"(request 1: GET " + s.tls + "/hello)", "(request 2: GET " + s.tls + "/hello)", "Flags [S]", "Flags [F"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
}

// TestTracePcapFails: a file that cannot be written is an error.
func TestTracePcapFails(t *testing.T) {
	needPackets(t)
	s := startServer(t)
	if out, diag, code := outputs(t, "trace", "--pcap", filepath.Join(t.TempDir(), "no", "file"), s.url+"/hello"); code != 1 || !strings.Contains(diag, "no such file") {
		t.Errorf("code %d: %q, %q", code, out, diag)
	}
}
