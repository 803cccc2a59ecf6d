package tlsplain

import (
	"strings"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
	"sonde/capture/keylog"
)

// record takes one record, in clear or not.
func (s *Session) record(d flow.Dir, at int64, r *tlsrec.Record) {
	h := &s.dir[d]
	thirteen := s.info.Version >= 0x0304
	switch {
	case r.Type == tlsrec.ChangeCipherSpec:
		// TLS 1.3 sends it for the sake of middleboxes only (RFC 8446, appendix D.4).
		if s.gotServer && !thirteen {
			h.sealed, h.twelve, h.key, h.queue = true, true, nil, nil
		}
		return
	case r.Type == tlsrec.ApplicationData && !h.sealed && d == flow.FromClient && s.info.EarlyData:
		// Early data come before anything says that records are encrypted.
		h.sealed = true
		h.queue = []label{keylog.ClientEarly, keylog.ClientHandshake, keylog.ClientTraffic}
	case !h.sealed, thirteen && r.Type != tlsrec.ApplicationData:
		s.plain(d, at, r.Type, r.Fragment)
		return
	}
	if s.keys == nil {
		s.lose(d, "no key log")
		return
	}
	s.retry(d)
	if len(h.pending) == 0 && (h.lost || s.open(d, at, r)) {
		return
	}
	if !h.lost {
		s.postpone(d, at, r)
	}
}

// postpone keeps a record until its key is there.
func (s *Session) postpone(d flow.Dir, at int64, r *tlsrec.Record) {
	h := &s.dir[d]
	if h.size += len(r.Fragment) + 64; h.size > maxPending {
		s.lose(d, "no secrets for this session")
		return
	}
	c := *r
	c.Fragment = append([]byte(nil), r.Fragment...)
	h.pending = append(h.pending, pending{at, c})
}

// retry opens the records that wait, as far as there are keys.
func (s *Session) retry(d flow.Dir) {
	h := &s.dir[d]
	for len(h.pending) > 0 {
		p := h.pending[0]
		if !s.open(d, p.at, &p.record) || len(h.pending) == 0 {
			return
		}
		h.size -= len(p.record.Fragment) + 64
		h.pending = h.pending[1:]
	}
	h.pending = nil
}

// open decrypts a record and hands on what is in it. It reports whether it is
// done with: false means that it has to wait for a key.
//
// Which key is the right one, the record tells by itself: it opens with no other.
// So the current key is tried first, then those that may come next.
func (s *Session) open(d flow.Dir, at int64, r *tlsrec.Record) bool {
	h := &s.dir[d]
	if d == flow.FromClient && !s.gotServer {
		return false // early data: the suite is not known yet
	}
	su, ok := suiteOf(s.info.Cipher)
	if !ok || s.info.Version < 0x0303 {
		s.lose(d, notAEAD(s.info.Cipher))
		return true
	}
	if h.twelve && !s.make12(d, su) {
		return h.lost
	}
	if h.key != nil && s.try(d, at, h.key, r) {
		return true
	}
	waits := false
	for i, name := range h.queue {
		secret := s.keys.Lookup(string(name), s.client)
		waits = secret == nil // the last one is what counts: it is logged last
		if secret == nil {
			continue
		}
		if k, err := key13(su, secret); err == nil && s.try(d, at, k, r) {
			h.key, h.queue = k, h.queue[i+1:]
			return true
		}
	}
	if h.key != nil && h.key.tls13 {
		if k, err := h.key.next(); err == nil && s.try(d, at, k, r) {
			h.key = k
			return true
		}
	}
	if waits {
		return false
	}
	// Early data that the server refused, or a handshake whose secrets were not
	// logged, can be passed over; what comes behind has a key of its own.
	if h.misses++; len(h.queue) == 0 || h.misses > maxMisses {
		s.lose(d, "a record does not open with the session's secrets")
	}
	return true
}

// notAEAD says why a suite's records cannot be read.
func notAEAD(id uint16) string {
	name := tlsrec.CipherName(id)
	if strings.Contains(name, "_CBC_") {
		return name + " is a CBC suite, of which none is decrypted"
	}
	return name + " is none of the suites that are decrypted: AES-GCM, AES-CCM, ChaCha20-Poly1305"
}

// try opens a record with a key, and hands on what is in it.
func (s *Session) try(d flow.Dir, at int64, k *key, r *tlsrec.Record) bool {
	plain, kind, ok := k.open(s.buffer(r), r)
	if !ok {
		return false
	}
	s.info.Decrypted = true
	s.dir[d].key = k
	s.plain(d, at, kind, plain)
	return true
}

// make12 makes the key of a TLS 1.2 session. It reports whether there is one.
func (s *Session) make12(d flow.Dir, su suite) bool {
	master := s.keys.Lookup(keylog.ClientRandom, s.client)
	if master == nil {
		return false
	}
	keys, err := keys12(su, master, s.client, s.server)
	if err != nil {
		s.lose(d, "the session's secrets are of the wrong length")
		return false
	}
	s.dir[d].key, s.dir[d].twelve = keys[d], false
	return true
}

// buffer is where a record is decrypted: not in place, since a key that does not
// fit would destroy it.
func (s *Session) buffer(r *tlsrec.Record) []byte {
	if cap(s.scratch) < len(r.Fragment) {
		s.scratch = make([]byte, 0, max(len(r.Fragment), 2048))
	}
	return s.scratch
}

// plain takes the contents of a record.
func (s *Session) plain(d flow.Dir, at int64, kind tlsrec.ContentType, b []byte) {
	switch kind {
	case tlsrec.Handshake:
		s.handshake(d, b)
	case tlsrec.Alert:
		if len(s.info.Alerts) < maxAlerts {
			s.info.Alerts = append(s.info.Alerts, d.String()+": "+tlsrec.AlertText(b))
		}
	case tlsrec.ApplicationData:
		if h := &s.dir[d]; h.key != nil && s.next != nil && len(b) > 0 {
			h.fed = true
			s.next.Data(d, at, b)
		}
	}
}
