package tlsplain_test

import (
	"crypto/tls"
	"fmt"
	"testing"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/keylog"
	"sonde/capture/tlsplain"
)

// Without keys a connection tells what its handshake has in clear.
func ExampleInfo() {
	var t testing.T
	chunks, _ := talk(&t, tls.VersionTLS13, 0)
	s := tlsplain.New(nil, nil)
	for _, c := range chunks {
		s.Data(c.dir, 0, c.data)
	}
	i := s.Info()
	fmt.Println(i.ServerName, tlsrec.VersionName(i.Version), i.Offered, i.Decrypted)
	// Output: example.test TLS 1.3 [h2 http/1.1] false
}

// Secrets may come from anywhere; a log of them is the usual place.
func ExampleKeys() {
	var keys tlsplain.Keys = new(keylog.Log)
	fmt.Println(keys.Lookup(keylog.ClientTraffic, [32]byte{}) == nil)
	// Output: true
}
