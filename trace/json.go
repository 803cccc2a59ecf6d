package trace

import (
	"crypto/tls"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// JSONLines is a Sink that writes one JSON object an event and line, with the
// members that docs/trace-events.md describes. NewJSONLines makes one. It is
// safe for concurrent use, and allocates next to nothing.
type JSONLines struct {
	w   io.Writer
	mu  sync.Mutex
	buf []byte
	err error
}

// NewJSONLines returns a JSONLines that writes each line to w at once, by one
// Write; give it a bufio.Writer where that is too often.
func NewJSONLines(w io.Writer) *JSONLines { return &JSONLines{w: w} }

// Record writes a line.
func (j *JSONLines) Record(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	j.buf = append(AppendJSON(j.buf[:0], &e), '\n')
	_, j.err = j.w.Write(j.buf)
}

// Err returns the first error of the writer. Nothing is written after one.
func (j *JSONLines) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

var processStart = time.Now()

// AppendJSON appends e as a JSON object, as JSONLines writes it, without a line
// end.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, e.Kind.String()...)
	dst = append(dst, `","time":"`...)
	dst = e.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z07:00")
	dst = append(dst, `","mono_ns":`...)
	dst = strconv.AppendInt(dst, int64(e.Time.Sub(processStart)), 10)
	dst = appendNumber(dst, "call", int64(e.Call), e.Call != 0)
	dst = appendNumber(dst, "attempt", int64(e.Attempt), e.Attempt != 0)
	dst = appendNumber(dst, "conn", int64(e.Conn), e.Conn != 0)
	dst = appendString(dst, "method", e.Method())
	dst = appendString(dst, "url", e.URL())
	dst = appendNumber(dst, "status", int64(e.Status), e.Status != 0)
	dst = appendString(dst, "name", e.Name())
	if e.isField() {
		dst = appendQuoted(append(dst, `,"value":`...), e.Value())
	} else if e.Kind == HeadWritten {
		dst = appendString(dst, "line", e.Value())
	}
	dst = appendString(dst, "network", e.Network())
	dst = appendString(dst, "host", e.Host())
	if e.Remote().IsValid() {
		dst = append(e.Remote().AppendTo(append(dst, `,"remote":"`...)), '"')
	}
	if e.Local().IsValid() {
		dst = append(e.Local().AppendTo(append(dst, `,"local":"`...)), '"')
	}
	for i, a := range e.Addrs() {
		if i == 0 {
			dst = append(dst, `,"addrs":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(a.AppendTo(append(dst, '"')), '"')
		if i == len(e.Addrs())-1 {
			dst = append(dst, ']')
		}
	}
	dst = appendTrue(dst, "custom", e.Custom())
	if e.TLSVersion() != 0 {
		dst = appendString(dst, "tls_version", tls.VersionName(e.TLSVersion()))
	}
	if e.TLSCipher() != 0 {
		dst = appendString(dst, "tls_cipher", tls.CipherSuiteName(e.TLSCipher()))
	}
	dst = appendString(dst, "proto", e.Proto())
	dst = appendTrue(dst, "resumed", e.Resumed())
	if e.Kind == AcquireDone && e.Err == nil {
		dst = strconv.AppendBool(append(dst, `,"reused":`...), e.Reused)
	}
	dst = appendNumber(dst, "idle_ns", int64(e.Idle), e.Idle != 0)
	dst = appendNumber(dst, "wait_ns", int64(e.Wait()), e.Wait() != 0)
	if e.Reason != NoReason {
		dst = appendString(dst, "reason", e.Reason.String())
	}
	dst = appendNumber(dst, "bytes", e.Bytes, e.hasBytes())
	if e.Err != nil {
		dst = appendQuoted(append(dst, `,"error":`...), e.Err.Error())
	}
	return append(dst, '}')
}

func appendNumber(dst []byte, key string, n int64, there bool) []byte {
	if !there {
		return dst
	}
	return strconv.AppendInt(appendKey(dst, key), n, 10)
}

func appendTrue(dst []byte, key string, is bool) []byte {
	if !is {
		return dst
	}
	return append(appendKey(dst, key), "true"...)
}

func appendString(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return appendQuoted(appendKey(dst, key), s)
}

func appendKey(dst []byte, key string) []byte {
	return append(append(append(dst, `,"`...), key...), `":`...)
}

// appendQuoted appends s as a JSON string (RFC 8259 §7). Bytes that are no UTF-8
// become U+FFFD; nothing else is escaped than what must be.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
