package tlsrec

import "strconv"

// MessageType is the kind of a handshake message.
type MessageType uint8

// The kinds that matter here.
const (
	TypeClientHello         MessageType = 1
	TypeServerHello         MessageType = 2
	TypeNewSessionTicket    MessageType = 4
	TypeEndOfEarlyData      MessageType = 5
	TypeEncryptedExtensions MessageType = 8
	TypeCertificate         MessageType = 11
	TypeServerKeyExchange   MessageType = 12
	TypeCertificateRequest  MessageType = 13
	TypeServerHelloDone     MessageType = 14
	TypeCertificateVerify   MessageType = 15
	TypeClientKeyExchange   MessageType = 16
	TypeFinished            MessageType = 20
	TypeKeyUpdate           MessageType = 24
)

var messageNames = map[MessageType]string{
	0: "HelloRequest", TypeClientHello: "ClientHello", TypeServerHello: "ServerHello",
	TypeNewSessionTicket: "NewSessionTicket", TypeEndOfEarlyData: "EndOfEarlyData",
	TypeEncryptedExtensions: "EncryptedExtensions", TypeCertificate: "Certificate",
	TypeServerKeyExchange: "ServerKeyExchange", TypeCertificateRequest: "CertificateRequest",
	TypeServerHelloDone: "ServerHelloDone", TypeCertificateVerify: "CertificateVerify",
	TypeClientKeyExchange: "ClientKeyExchange", TypeFinished: "Finished",
	22: "CertificateStatus", TypeKeyUpdate: "KeyUpdate", 25: "CompressedCertificate",
}

// String returns the message's name, or its number.
func (t MessageType) String() string {
	if s, ok := messageNames[t]; ok {
		return s
	}
	return "handshake type " + strconv.Itoa(int(t))
}

// Message is a handshake message; Body borrows the bytes it was parsed from.
type Message struct {
	Type MessageType
	Body []byte
}

// ParseMessage reads the handshake message at the start of b, which may run over
// many records. n is how many bytes the whole message takes, whether or not they
// are all there; the message is, if n is not more than len(b). It is zero if b is
// too short to tell.
func ParseMessage(b []byte) (m Message, n int) {
	if len(b) < 4 {
		return m, 0
	}
	m.Type = MessageType(b[0])
	n = 4 + (int(b[1])<<16 | int(b[2])<<8 | int(b[3]))
	if n <= len(b) {
		m.Body = b[4:n]
	}
	return m, n
}

// reader takes fields off the front of bytes. Once one is missing, ok is false
// and all that follow are zero.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) take(n int) []byte {
	if !r.ok || n > len(r.b) {
		r.ok, r.b = false, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint(n int) (v int) {
	for _, c := range r.take(n) {
		v = v<<8 | int(c)
	}
	return v
}

// vector takes bytes behind a length of n bytes.
func (r *reader) vector(n int) []byte { return r.take(r.uint(n)) }

// sub takes a vector and reads in it; its mistakes are its own.
func (r *reader) sub(n int) *reader {
	v := r.vector(n)
	return &reader{b: v, ok: r.ok}
}

func (r *reader) more() bool { return r.ok && len(r.b) > 0 }
