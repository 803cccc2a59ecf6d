// Package tlsplain looks into the TLS connections of a capture: what the
// handshake shows in clear, and, given the session's secrets, the bytes that
// were sent.
//
// A [Session] stands between a TCP connection and whoever reads its bytes; both
// ends are a flow.Stream:
//
//	s := tlsplain.New(keys, reader)
//	... s.Data(flow.FromClient, at, bytes) ... // from package flow
//	s.Info() // server name, version, suite, certificates
//
// The AEAD suites of TLS 1.2 and 1.3 are decrypted: AES-GCM, AES-CCM
// and ChaCha20-Poly1305. Suites with CBC are not.
package tlsplain

// Contract of this package: no I/O of its own, no goroutine; secrets come
// through Keys and go nowhere. What a session holds is bounded by maxPending and
// maxMessage in each direction.
