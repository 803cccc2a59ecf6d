// Package tlsrec reads what TLS shows of itself in clear: records, and the
// handshake messages ClientHello, ServerHello and, before TLS 1.3, Certificate.
//
// Names in the results are as the peers sent them: what prints them escapes
// them, with decode.AppendEscaped.
package tlsrec

// Contract of this package: bytes in, values out. No keys, no state between
// calls; package capture/tlsplain decrypts.
