package sonde

import "sonde/internal/message"

// Protocols is a set of HTTP versions. The zero value is the default: HTTP/1.1
// alone, until HTTP/2 exists here.
type Protocols = message.Protocols

// The HTTP versions that a client may offer. It alone decides what ALPN says: the
// NextProtos of a given tls.Config are not looked at.
const (
	HTTP1 = message.HTTP1 // http/1.1, and HTTP/1.0 servers
)

// Proto is the version of HTTP in which a response came.
type Proto struct{ Major, Minor uint8 }

// String is "HTTP/1.1", "HTTP/2" and the like.
func (p Proto) String() string {
	if p.Major < 2 {
		return "HTTP/" + string('0'+rune(p.Major)) + "." + string('0'+rune(p.Minor))
	}
	return "HTTP/" + string('0'+rune(p.Major))
}
