package quic_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"sonde/capture/decode/quic"
)

func bytesOf(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseLong(t *testing.T) {
	tests := []struct {
		name, hex, want string
	}{
		// RFC 9001, appendix A.2: the header of the client's Initial.
		{"RFC 9001 client Initial", "c000000001088394c8f03e5157080000449e7b9aec34", "Initial v1 8394c8f03e515708/ token 0 length 1182"},
		// RFC 9001, appendix A.4: the Retry packet, whole.
		{"RFC 9001 Retry", "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba", "Retry v1 /f067a5502a4262b5 token 5 length 0"},
		{"v2 Initial", "d36b3343cf02aabb00004005", "Initial v2 aabb/ token 0 length 5"},
		{"version negotiation", "8000000000000001" + "00000001", ""},
		{"version negotiation, whole", "80000000000000" + "00000001" + "6b3343cf", "Version Negotiation 0x00000000 / token 0 length 0"},
		{"greased", "ca1a2a3a4a00000102", "long header greased / token 0 length 0"},
		{"short header", "40000000010000", ""},
		{"fixed bit not set", "800000000100004000", ""},
		{"connection ID of 21", "c00000000115" + "000000000000000000000000000000000000000000" + "00004001", ""},
		{"token beyond the end", "c000000001000040ff", ""},
	}
	for _, tt := range tests {
		got := ""
		if h, ok := quic.ParseLong(bytesOf(t, tt.hex)); ok {
			got = fmt.Sprintf("%v %v %x/%x token %d length %d", h.Type, h.Version, h.DCID, h.SCID, len(h.Token), h.Length)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzParseLong(f *testing.F) {
	f.Add(bytesOf(f, "c000000001088394c8f03e5157080000449e7b9aec34"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			h, ok := quic.ParseLong(b)
			if !ok {
				return
			}
			if h.Size <= 0 || h.Size > len(b) {
				t.Fatalf("a packet of %d bytes out of %d", h.Size, len(b))
			}
			_, _ = h.Type.String(), h.Version.String()
			b = b[h.Size:]
		}
	})
}

func ExampleParseLong() {
	b, _ := hex.DecodeString("c000000001088394c8f03e5157080000449e7b9aec34")
	h, ok := quic.ParseLong(b)
	fmt.Printf("%v %v %v %x\n", ok, h.Type, h.Version, h.DCID)
	// Output: true Initial v1 8394c8f03e515708
}
