package quic_test

import (
	"encoding/hex"
	"fmt"

	"sonde/capture/decode/quic"
)

// A server that does not speak the client's version lists its own.
func ExampleLong() {
	b, _ := hex.DecodeString("8000000000" + "01ff" + "02abcd" + "00000001" + "6b3343cf")
	h, ok := quic.ParseLong(b)
	fmt.Printf("%v %v to %x, %x\n", ok, h.Type, h.DCID, h.Versions)
	// Output: true Version Negotiation to ff, 000000016b3343cf
}

func ExampleType() {
	fmt.Println(quic.Initial, quic.Retry)
	// Output: Initial Retry
}

func ExampleVersion() {
	fmt.Println(quic.V2, quic.Version(0xff00001d), quic.Version(0x1a2a3a4a))
	// Output: v2 draft-29 greased
}
