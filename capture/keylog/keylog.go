// Package keylog keeps the secrets of TLS sessions that a client or server wrote
// into an SSLKEYLOGFILE.
//
// Whoever has the secrets can read the sessions. They are kept in memory, and
// given to nobody but the callers of Lookup and Append; no error and no text of
// this package contains them.
package keylog

import (
	"bytes"
	"encoding/hex"
	"os"
	"sync"
)

// The labels of secrets (RFC 9850): the master secret of TLS 1.2, the traffic
// secrets of TLS 1.3.
const (
	ClientRandom    = "CLIENT_RANDOM"
	ClientEarly     = "CLIENT_EARLY_TRAFFIC_SECRET"
	ClientHandshake = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	ServerHandshake = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	ClientTraffic   = "CLIENT_TRAFFIC_SECRET_0"
	ServerTraffic   = "SERVER_TRAFFIC_SECRET_0"
	Exporter        = "EXPORTER_SECRET"
)

var labels = map[string]bool{
	ClientRandom: true, ClientEarly: true, ClientHandshake: true, ServerHandshake: true,
	ClientTraffic: true, ServerTraffic: true, Exporter: true, "EARLY_EXPORTER_SECRET": true,
}

// Bounds: what one secret may have, and how many are kept.
const (
	maxSecret  = 64
	maxSecrets = 1 << 20
	maxLine    = 1024
)

// Log is a set of secrets. The zero Log is empty; it is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	secrets map[id][]byte
	order   []id // as they were added
	rest    []byte

	path string
	read int64 // bytes of the file at path that were added
}

// id names a secret: its label, and the random number of the session's ClientHello.
type id struct {
	label  string
	random [32]byte
}

// Open reads the key log file at path. Lookup reads what was added to it
// since, so the file may still be growing, and may be there only later: that it
// does not exist is no error.
func Open(path string) (*Log, error) {
	l := &Log{path: path}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refreshLocked(); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return l, nil
}

// Add takes text in the format of the file, in pieces of any length, and returns
// how many new secrets there were in it. Lines of other kinds are skipped.
func (l *Log) Add(text []byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addLocked(text)
}

func (l *Log) addLocked(text []byte) (added int) {
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if !whole {
			if len(l.rest)+len(line) <= maxLine {
				l.rest = append(l.rest, line...)
			}
			break
		}
		if len(l.rest) > 0 {
			line = append(l.rest, line...)
			l.rest = nil
		}
		if l.lineLocked(line) {
			added++
		}
	}
	return added
}

// Flush takes the last line of what was added, if no line feed ended it.
func (l *Log) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineLocked(l.rest)
	l.rest = nil
}

// lineLocked takes one line: label, random and secret, the latter two in
// hexadecimal digits.
func (l *Log) lineLocked(line []byte) bool {
	fields := bytes.Fields(line)
	if len(line) > maxLine || len(fields) != 3 || !labels[string(fields[0])] || len(fields[1]) != 64 {
		return false
	}
	k := id{label: string(fields[0])}
	secret := make([]byte, hex.DecodedLen(len(fields[2])))
	_, err := hex.Decode(k.random[:], fields[1])
	if _, err2 := hex.Decode(secret, fields[2]); err != nil || err2 != nil || len(secret) == 0 || len(secret) > maxSecret {
		return false
	}
	if _, known := l.secrets[k]; known || len(l.order) >= maxSecrets {
		return false
	}
	if l.secrets == nil {
		l.secrets = map[id][]byte{}
	}
	l.secrets[k] = secret
	l.order = append(l.order, k)
	return true
}

// Lookup returns the secret with that label of the session whose ClientHello had
// that random number, or nil. The secret must not be changed.
func (l *Log) Lookup(label string, random [32]byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := id{label, random}
	if s := l.secrets[k]; s != nil || l.path == "" {
		return s
	}
	l.refreshLocked() // an unreadable file has no secrets
	return l.secrets[k]
}

// refreshLocked reads what is new in the file.
func (l *Log) refreshLocked() error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == l.read {
		return err
	}
	if info.Size() < l.read { // it was started anew
		l.read, l.rest = 0, nil
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := f.ReadAt(buf, l.read)
		l.read += int64(n)
		l.addLocked(buf[:n])
		if n == 0 || err != nil {
			return nil
		}
	}
}

// Len is how many secrets there are.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.order)
}

// Append appends the secrets from the nth on in the format of the file, in the
// order in which they came: what a pcapng decryption secrets block holds.
func (l *Log) Append(dst []byte, n int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.order[min(n, len(l.order)):] {
		dst = append(append(dst, k.label...), ' ')
		dst = hex.AppendEncode(dst, k.random[:])
		dst = hex.AppendEncode(append(dst, ' '), l.secrets[k])
		dst = append(dst, '\n')
	}
	return dst
}
