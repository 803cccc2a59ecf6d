package tlsplain

import (
	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
	"sonde/capture/keylog"
)

// handshake takes bytes of handshake messages, which may begin and end anywhere.
func (s *Session) handshake(d flow.Dir, b []byte) {
	h := &s.dir[d]
	if h.ignore > 0 {
		n := min(h.ignore, len(b))
		h.ignore -= n
		b = b[n:]
	}
	h.message = append(h.message, b...)
	rest := h.message
	for {
		m, n := tlsrec.ParseMessage(rest)
		if n > maxMessage {
			h.ignore = n - len(rest)
			rest = nil
			break
		}
		if n == 0 || n > len(rest) {
			break
		}
		s.messageFrom(d, &m)
		rest = rest[n:]
	}
	if len(rest) == 0 {
		h.message = nil
		return
	}
	h.message = append(h.message[:0], rest...)
}

// messageFrom takes one message.
func (s *Session) messageFrom(d flow.Dir, m *tlsrec.Message) {
	switch m.Type {
	case tlsrec.TypeClientHello:
		if d == flow.FromClient {
			s.clientHello(m.Body)
		}
	case tlsrec.TypeServerHello:
		if d == flow.FromServer {
			s.serverHello(m.Body)
		}
	case tlsrec.TypeEncryptedExtensions:
		if alpn, _, ok := tlsrec.ParseEncryptedExtensions(m.Body); ok && d == flow.FromServer && alpn != "" {
			s.info.Protocol = alpn
		}
	case tlsrec.TypeCertificate:
		if d == flow.FromServer {
			s.info.Certificates = tlsrec.ParseCertificates(m.Body, s.info.Version)
		}
	}
}

func (s *Session) clientHello(body []byte) {
	var h tlsrec.ClientHello
	if !tlsrec.ParseClientHello(body, &h) {
		return
	}
	s.client = h.Random
	s.info.ServerName, s.info.Offered = h.ServerName, h.ALPN
	s.info.EarlyData = s.info.EarlyData || h.EarlyData
	if s.info.Cipher == 0 {
		s.info.Version = h.MaxVersion()
	}
}

func (s *Session) serverHello(body []byte) {
	var h tlsrec.ServerHello
	if !tlsrec.ParseServerHello(body, &h) {
		return
	}
	s.info.Version = h.Version
	if h.Retry { // the client says hello again, with the same random number
		return
	}
	s.info.Cipher, s.info.Protocol, s.info.Resumed = h.Cipher, h.ALPN, h.PSK && h.Version >= 0x0304
	s.server, s.gotServer = h.Random, true
	if h.Version < 0x0304 {
		return
	}
	client, server := &s.dir[flow.FromClient], &s.dir[flow.FromServer]
	server.sealed, server.queue = true, []label{keylog.ServerHandshake, keylog.ServerTraffic}
	if !client.sealed {
		client.sealed, client.queue = true, []label{keylog.ClientHandshake, keylog.ClientTraffic}
	}
	s.retry(flow.FromClient)
}
