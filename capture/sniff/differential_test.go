package sniff

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"sonde/capture"
)

// printAll prints a file in a style.
func printAll(t testing.TB, file string, s Style) string {
	t.Helper()
	r, err := capture.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := NewPrinter(s, func(index int) string { // of this host, as tcpdump does, whoever captured
		if i, err := net.InterfaceByIndex(index); err == nil {
			return i.Name
		}
		return ""
	})
	var out []byte
	var p capture.Packet
	for r.Next(&p) == nil {
		out = w.AppendPacket(out, &p)
	}
	return string(out)
}

// incorrect is what tcpdump calls a sum that the network card was to complete.
var incorrect = regexp.MustCompile(`\(incorrect -> 0x[0-9a-f]{4}\)`)

// unknown is an interface that this machine does not have: a column of tcpdump's "?",
// for which we have the number.
var unknown = regexp.MustCompile(`\bif\d+ +`)

// TestAgainstTcpdump compares with tcpdump's own lines.
func TestAgainstTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is not installed")
	}
	tests := []struct {
		flags string
		style Style
	}{
		{"-n", Style{}},
		{"-nt", Style{Time: TimeNone}},
		{"-ntt", Style{Time: TimeUnix}},
		{"-nttt", Style{Time: TimeDelta}},
		{"-ntttt", Style{Time: TimeDate}},
		{"-nttttt", Style{Time: TimeOffset}},
		{"-nS", Style{Absolute: true}},
		{"-nq", Style{Quiet: true}},
		{"-ne", Style{Link: true}},
		{"-n#", Style{Numbers: true}},
		{"-nx", Style{Hex: 1}},
		{"-nxx", Style{Hex: 2}},
		{"-nX", Style{HexASCII: 1}},
		{"-nXX", Style{HexASCII: 2}},
		{"-nA", Style{ASCII: true}},
	}
	for _, file := range []string{"testdata/eth.pcap", "testdata/any.pcap"} {
		for _, tt := range tests {
			tt.style.Numeric = true
			cmd := exec.Command("tcpdump", tt.flags, "-r", file)
			cmd.Env = append(os.Environ(), "TZ=UTC")
			theirs, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			ours := unknown.ReplaceAllString(printAll(t, file, tt.style), "?     ")
			compare(t, file+" "+tt.flags, ours, incorrect.ReplaceAllString(string(theirs), "(left to the card)"))
		}
	}
}

// TestAgainstTcpdumpVerbose compares the lines of ARP, TCP and UDP. Of the rest
// tcpdump tells more with -v.
func TestAgainstTcpdumpVerbose(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is not installed")
	}
	const file = "testdata/eth.pcap"
	for flags, style := range map[string]Style{"-nv": {Verbose: 1}, "-nev": {Verbose: 1, Link: true}, "-nvv": {Verbose: 2}} {
		style.Numeric = true
		theirs, err := exec.Command("tcpdump", flags, "-r", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		normal := incorrect.ReplaceAllString(string(theirs), "(left to the card)")
		normal = badUDP.ReplaceAllString(normal, "[udp sum left to the card]")
		compare(t, flags, records(printAll(t, file, style)), records(normal))
	}
}

var badUDP = regexp.MustCompile(`\[bad udp cksum 0x[0-9a-f]{4} -> 0x[0-9a-f]{4}!\]`)

// records keeps the first line of each packet, and the second of IPv4, of the
// protocols that are compared.
func records(text string) string {
	var kept []string
	keep := false
	for line := range strings.Lines(text) {
		switch {
		case line[0] >= '0' && line[0] <= '9':
			keep = strings.Contains(line, "TCP (6)") || strings.Contains(line, "UDP (17)") || strings.Contains(line, "who-has")
		case !strings.HasPrefix(line, "    "):
			continue
		}
		if keep {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(kept, "\n")
}

func compare(t *testing.T, what, ours, theirs string) {
	t.Helper()
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	bad := 0
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if strings.Contains(y, "(invalid)") { // a VLAN tag that tcpdump lost when it captured on any
			continue
		}
		if x != y {
			if bad++; bad <= 5 {
				t.Errorf("%s: line %d\n  ours   %s\n  theirs %s", what, i+1, x, y)
			}
		}
	}
	if bad > 5 {
		t.Errorf("%s: %d lines differ", what, bad)
	}
}
