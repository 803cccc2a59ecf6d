package tap

import (
	"os"
	"path/filepath"
	"testing"

	"sonde/capture"
	"sonde/capture/decode"
)

// TestFrames wants frames that are what they claim to be.
func TestFrames(t *testing.T) {
	for name, frame := range map[string][]byte{"udp": UDPFrame(), "tcp": TCPFrame()} {
		var p decode.Packet
		if fault := p.Decode(capture.LinkEthernet, frame); fault != decode.FaultNone || len(frame) != frameSize {
			t.Errorf("%s: %v, %d bytes", name, fault, len(frame))
		}
		if !p.Has.Any(decode.LayerTCP|decode.LayerUDP) || p.VerifyIPv4() != decode.SumGood {
			t.Errorf("%s: layers %v, header checksum %v", name, p.Has, p.VerifyIPv4())
		}
	}
}

func TestCount(t *testing.T) {
	said := []byte("\n12 packets captured\n1 packet received by filter\n3 packets dropped by kernel\n")
	for what, want := range map[string]int64{"captured": 12, "received by filter": 1, "dropped by kernel": 3, "dropped by interface": 0} {
		if got := count(said, what); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
}

func TestLastLine(t *testing.T) {
	for text, want := range map[string]string{
		"1:2 IP a > b\n":                 "IP a > b",
		"1:2 IP a > b\n1:3 IP c > d\n":   "IP c > d",
		"1:2 IP a > b\n1:3 IP c > d\n\n": "IP c > d",
		"":                               "",
		"\n":                             "",
	} {
		f, err := os.Create(filepath.Join(t.TempDir(), "lines"))
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(text)
		got, err := lastLine(f)
		f.Close()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
