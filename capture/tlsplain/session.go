package tlsplain

import (
	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
)

// Keys finds the secrets of sessions; *keylog.Log does.
type Keys interface {
	// Lookup returns the secret with that label (RFC 9850) of the session whose
	// ClientHello had that random number, or nil.
	Lookup(label string, random [32]byte) []byte
}

// Info is what is known of a TLS connection. Its texts are as the peers sent
// them: not escaped.
type Info struct {
	ServerName string   // SNI
	Offered    []string // the protocols that the client offers
	Protocol   string   // the one chosen (ALPN); of TLS 1.3 only if it was decrypted
	Version    uint16   // negotiated; until then the highest offered
	Cipher     uint16   // zero until it is known
	Resumed    bool     // TLS 1.3 only
	EarlyData  bool     // the client sent data before the handshake was done
	// Certificates are the server's; of TLS 1.3 only if they were decrypted.
	Certificates []tlsrec.Certificate
	Alerts       []string // those that could be read, the first few
	// Bytes counts what each direction sent over TCP, as far as it was captured.
	Bytes [2]int64
	// Decrypted is set once a record was decrypted. Problem says in a few words why
	// records are not, empty if they are, or if there were none.
	Decrypted bool
	Problem   string
}

// Bounds of one direction: records that wait for keys; a handshake message;
// alerts that are kept; records passed over before the first one that opens.
const (
	maxPending = 256 << 10
	maxMessage = 128 << 10
	maxAlerts  = 4
	maxMisses  = 64
)

// Session decrypts one connection. It is a flow.Stream, and not safe for
// concurrent use.
type Session struct {
	keys Keys
	next flow.Stream
	info Info
	dir  [2]direction

	client, server [32]byte // randoms
	gotServer      bool
	scratch        []byte
}

// direction is what one peer sends.
type direction struct {
	buf     []byte    // a record that is not complete
	skip    int       // bytes left of a record that is not whole, to be passed over
	message []byte    // a handshake message that is not complete
	ignore  int       // bytes left of a message that is too long to be kept
	sealed  bool      // records are encrypted from here on
	key     *key      // the current one
	queue   []label   // the secrets that may come next
	twelve  bool      // the key is that of a TLS 1.2 session, and was not made yet
	misses  int       // records that no key opened
	pending []pending // records that wait for keys
	size    int       // of pending
	lost    bool      // nothing more can be read
	fed     bool      // next was given something
}

// label names a secret that was not used yet.
type label string

// pending is a record that waits for its key.
type pending struct {
	at     int64
	record tlsrec.Record
}

// New makes a session. The decrypted bytes go to next, nil for nowhere; keys may
// be nil.
func New(keys Keys, next flow.Stream) *Session {
	return &Session{keys: keys, next: next}
}

// Info returns what is known so far.
func (s *Session) Info() *Info { return &s.info }

// Held is how many bytes are kept: parts of records and messages, and records
// that wait for a key.
func (s *Session) Held() (n int) {
	for i := range s.dir {
		n += cap(s.dir[i].buf) + cap(s.dir[i].message) + s.dir[i].size
	}
	return n + cap(s.scratch)
}

// Data takes bytes of the TCP connection.
func (s *Session) Data(d flow.Dir, at int64, b []byte) {
	s.info.Bytes[d] += int64(len(b))
	h := &s.dir[d]
	if h.skip > 0 {
		n := min(h.skip, len(b))
		h.skip -= n
		b = b[n:]
	}
	if h.lost || len(b) == 0 {
		return
	}
	whole := b
	if len(h.buf) > 0 {
		h.buf = append(h.buf, b...)
		whole = h.buf
	}
	switch n := s.records(d, at, whole); {
	case h.lost || n == len(whole):
		h.buf = nil
	default:
		h.buf = append(h.buf[:0], whole[n:]...)
	}
}

// records takes the whole records of b, and returns how long they are.
func (s *Session) records(d flow.Dir, at int64, b []byte) (used int) {
	h := &s.dir[d]
	for !h.lost && used < len(b) {
		r, n, err := tlsrec.ParseRecord(b[used:])
		if err != nil {
			s.lose(d, "not TLS")
			return len(b)
		}
		if n == 0 {
			break
		}
		used += n
		s.record(d, at, &r)
	}
	return used
}

// Gap takes note of bytes that are missing. If they are all of one record, the
// others can still be read.
func (s *Session) Gap(d flow.Dir, at int64, n int64) {
	h := &s.dir[d]
	if int64(h.skip) >= n {
		h.skip -= int(n)
		return
	}
	size, ok := h.recordLen()
	if ok && h.skip == 0 && h.sealed == (h.key != nil) && int64(size-len(h.buf)) >= n {
		h.skip = size - len(h.buf) - int(n)
		h.buf = nil
		h.message = nil
		if h.key != nil {
			h.key.seq++
		}
		if h.fed {
			s.next.Gap(d, at, int64(size-tlsrec.HeaderLen))
		}
		return
	}
	s.lose(d, "bytes are missing in the capture")
	if h.fed {
		s.next.Gap(d, at, n)
	}
}

// recordLen is the length of the record of which the first bytes are in buf.
func (h *direction) recordLen() (int, bool) {
	if len(h.buf) < tlsrec.HeaderLen {
		return 0, false
	}
	return tlsrec.HeaderLen + (int(h.buf[3])<<8 | int(h.buf[4])), true
}

// End ends a direction, after a last look for keys.
func (s *Session) End(d flow.Dir, at int64, why flow.End) {
	s.retry(d)
	h := &s.dir[d]
	if len(h.pending) > 0 {
		s.lose(d, "no secrets for this session")
	}
	*h = direction{lost: true}
	if s.next != nil {
		s.next.End(d, at, why)
	}
}

// lose gives a direction up.
func (s *Session) lose(d flow.Dir, why string) {
	h := &s.dir[d]
	h.lost, h.buf, h.message, h.pending, h.size = true, nil, nil, nil, 0
	if s.info.Problem == "" {
		s.info.Problem = why
	}
}
