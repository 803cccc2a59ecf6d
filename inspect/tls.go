package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"sonde/capture/decode/tlsrec"
	"sonde/capture/flow"
)

// records counts the requests of a TLS connection that cannot be read: each time
// that application data go from the client after some from the server, a request
// begins. Close alerts and the handshake's own messages, which TLS 1.3 hides
// among the data, are told by their length.
type records struct {
	i        *Inspector
	c        *conn
	dir      [2]recordReader
	version  uint16
	cipher   uint16
	offersH2 bool
	session  []byte // that the client wants to resume
	finished bool   // the client's part of the handshake is over
	early    int    // records of the client before that
	sent     int    // records of the client after it
}

// recordReader finds the records of one direction without keeping their bytes,
// but for the first handshake messages.
type recordReader struct {
	head  [tlsrec.HeaderLen]byte
	n     int // bytes of head
	left  int // of the record
	keep  bool
	hello []byte
	told  bool // all that is of use was read
	lost  bool // until something looks like a record
}

// maxHello bounds a handshake message that is kept to be read.
const maxHello = 64 << 10

func (r *records) next(d flow.Dir, now int64, b []byte) []byte {
	h := &r.dir[d]
	if h.left > 0 {
		n := min(h.left, len(b))
		if h.keep {
			h.hello = append(h.hello, b[:n]...)
		}
		h.left -= n
		if h.left == 0 && h.keep {
			r.hello(d)
		}
		return b[n:]
	}
	n := copy(h.head[h.n:], b)
	if h.n += n; h.n < len(h.head) {
		return nil
	}
	h.n = 0
	kind, size := tlsrec.ContentType(h.head[0]), int(binary.BigEndian.Uint16(h.head[3:]))
	if kind < tlsrec.ChangeCipherSpec || kind > tlsrec.Heartbeat || h.head[1] != 3 || size > tlsrec.MaxFragment {
		h.lost = true
		return nil
	}
	h.left, h.keep = size, kind == tlsrec.Handshake && !h.told
	switch {
	case kind == tlsrec.Alert && h.told, kind == tlsrec.ApplicationData && r.version == 0x0304 && size == alertLen:
		r.c.notified(d, now)
	case kind == tlsrec.ApplicationData:
		r.c.notify = [2]int64{}
		r.record(d, now, size)
	}
	return b[n:]
}

func (r *records) data(d flow.Dir, now int64, b []byte) {
	h := &r.dir[d]
	if h.lost {
		// Records begin where segments do, often enough.
		if len(b) < 3 || b[0] < 20 || b[0] > 23 || b[1] != 3 || b[2] > 4 {
			return
		}
		h.lost, h.n, h.left = false, 0, 0
	}
	for len(b) > 0 && !h.lost {
		b = r.next(d, now, b)
	}
}

// gap passes over bytes that were not captured.
func (r *records) gap(d flow.Dir, n int64) {
	h := &r.dir[d]
	h.keep, h.told = false, true
	if int64(h.left) >= n && h.n == 0 {
		h.left -= int(n)
		return
	}
	h.lost = true
}

// hello reads the first messages of a side, each once it is whole.
func (r *records) hello(d flow.Dir) {
	h := &r.dir[d]
	for !h.told {
		m, n := tlsrec.ParseMessage(h.hello)
		if len(h.hello) < maxHello && (n == 0 || n > len(h.hello)) {
			return
		}
		h.told = true
		r.message(h, m)
		h.hello = h.hello[min(max(n, 1), len(h.hello)):]
	}
	h.hello = nil
}

// message takes one of them. There is none to come, unless it says so.
func (r *records) message(h *recordReader, m tlsrec.Message) {
	switch m.Type {
	case tlsrec.TypeClientHello:
		var c tlsrec.ClientHello
		tlsrec.ParseClientHello(m.Body, &c)
		for _, p := range c.ALPN {
			r.offersH2 = r.offersH2 || p == "h2"
		}
		r.session = append(r.session, c.SessionID...)
		r.i.name(r.c, c.ServerName)
	case tlsrec.TypeServerHello:
		var s tlsrec.ServerHello
		if tlsrec.ParseServerHello(m.Body, &s); s.Retry {
			h.told = false // the true one comes later
			break
		}
		r.version, r.cipher = s.Version, s.Cipher
		if !r.c.http2 {
			r.c.Proto = tlsrec.VersionName(s.Version)
		}
		r.c.Resumed = r.c.Resumed || s.PSK
		if s.ALPN == "h2" {
			r.c.http2 = true
		}
		if s.Version < 0x0304 {
			r.offersH2 = s.ALPN == "h2"
			r.finished = true // older versions do not hide it
			// RFC 5077, section 3.4: an echo of the identifier resumes.
			r.c.Resumed = len(r.session) > 0 && bytes.Equal(r.session, s.SessionID)
			h.told = r.c.Resumed // RFC 5246, section 7.4.2: the certificate is next
		}
	case tlsrec.TypeCertificate:
		r.c.certificate = sha256.Sum256(m.Body)
	}
}

const (
	sealed  = 17 // what TLS 1.3 adds to a message: the type and the tag
	control = 24 // an alert or a KeyUpdate is no longer

	alertLen = 2 + sealed
)

// notified takes note of an alert: as a rule that its sender closes (RFC 8446,
// section 6.1). Its FIN comes later, and the answer to the alert may be faster.
func (c *conn) notified(d flow.Dir, now int64) {
	if c.notify[d] == 0 {
		c.notify[d] = now
	}
}

// finishedLen is the length of the client's last handshake record in TLS 1.3: a
// header, and a hash.
func (r *records) finishedLen() int {
	const aes256sha384 = 0x1302
	if r.cipher == aes256sha384 {
		return 4 + 48 + sealed
	}
	return 4 + 32 + sealed
}

// maxEarly is how many records of a client may belong to the handshake.
const maxEarly = 8

// record takes note of a record of application data.
func (r *records) record(d flow.Dir, now int64, size int) {
	c := r.c
	if !r.finished && !c.Before {
		if d == flow.FromClient {
			r.early++
			r.finished = size == r.finishedLen() || r.early >= maxEarly
		}
		return
	}
	if size <= control && r.version != 0x0303 {
		return
	}
	if c.state == finished {
		if d == flow.FromServer && c.End.First == Client && c.loss != nil && (c.loss.kind == clientNow || c.loss.kind == clientIdle) && !c.http2 {
			c.loss.kind, c.End.Unread = clientUnread, true // it goes on sending
		}
		if d == flow.FromClient && !c.http2 && !c.crowded {
			r.i.late(c)
		}
		return
	}
	if d == flow.FromServer {
		if c.begun == 0 || c.decrypted {
			return // tickets
		}
		r.i.answering(c, now)
		r.i.answered(c, now)
		return
	}
	r.sent++
	if r.offersH2 && r.sent <= 6 && r.settingsAck(size) {
		c.http2 = true
	}
	if c.decrypted || c.http2 && controlFrames(size-r.overhead()) {
		return
	}
	if c.state != busy {
		r.i.begin(c, now)
	} else if r.offersH2 {
		c.crowded = true
	}
}

// overhead is what a record adds to its contents.
func (r *records) overhead() int {
	if r.version < 0x0304 {
		return 24 // AES-GCM
	}
	return sealed
}

// settingsAck reports whether a record has the length of an empty SETTINGS frame,
// with which every HTTP/2 client answers its server's (RFC 9113, section 6.5.3).
func (r *records) settingsAck(size int) bool { return size-r.overhead() == 9 }

// controlFrames reports whether so many bytes are frames that are of no request:
// SETTINGS, WINDOW_UPDATE, PING, or two of these.
func controlFrames(n int) bool { return n == 9 || n == 13 || n == 17 || n == 26 || n == 22 }
