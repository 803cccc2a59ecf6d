package trace

import (
	"crypto/tls"
	"iter"
	"net/netip"
	"strconv"
	"time"
)

// fact is one fact of an event in a short form, as people read it: what a logger
// gets as an attribute, and the text transcript as a word.
type fact struct {
	key string
	val any // string, int, int64, bool, time.Duration, netip.AddrPort, []netip.Addr, Reason, error
}

// Facts are what e says, each with a short name, in the order in which they read
// best. They are for sinks that write to a logger; package slogsink does. A value is
// a string, int, int64, bool, time.Duration, netip.AddrPort, []netip.Addr, Reason or
// error. Time, Kind and the ids are not among them.
func (e Event) Facts() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		var few [8]fact
		for _, d := range e.facts(few[:0]) {
			if !yield(d.key, d.val) {
				return
			}
		}
	}
}

// facts are the facts of e that its kind has, in the order in which they read
// best, appended to dst.
func (e *Event) facts(dst []fact) []fact {
	add := func(key string, val any) { dst = append(dst, fact{key, val}) }
	text := func(key, val string) {
		if val != "" {
			add(key, val)
		}
	}
	text("method", e.Method())
	text("url", e.URL())
	if e.Status != 0 {
		add("status", e.Status)
	}
	switch {
	case e.isField():
		add("name", e.Name())
		add("value", e.Value())
	case e.Kind == HeadWritten:
		text("line", e.Value())
	case e.Kind == BodyDecoded:
		text("codings", e.Name())
	case e.Kind != ProxyStart && e.Kind != ProxyDone:
		text("peer", e.Name())
	}
	text("network", e.Network())
	text("host", e.Host())
	if e.Kind == ProxyStart || e.Kind == ProxyDone {
		text("target", e.Name())
	}
	if e.Remote().IsValid() {
		add("remote", e.Remote())
	}
	if e.Local().IsValid() {
		add("local", e.Local())
	}
	if len(e.Addrs()) > 0 {
		add("addrs", e.Addrs())
	}
	if e.Custom() {
		add("custom", true)
	}
	if e.TLSVersion() != 0 {
		add("tls", tls.VersionName(e.TLSVersion()))
	}
	if e.TLSCipher() != 0 {
		add("cipher", tls.CipherSuiteName(e.TLSCipher()))
	}
	text("proto", e.Proto())
	if e.Resumed() {
		add("resumed", true)
	}
	if e.Kind == AcquireDone && e.Err == nil {
		add("reused", e.Reused)
	}
	if e.Idle > 0 {
		add("idle", e.Idle)
	}
	if e.Wait() > 0 {
		add("wait", e.Wait())
	}
	if e.Reason != NoReason {
		add("reason", e.Reason)
	}
	if e.hasBytes() {
		add("bytes", e.Bytes)
	}
	if e.Err != nil {
		add("error", e.Err)
	}
	return dst
}

// isField reports whether Name and Value are those of a field.
func (e *Event) isField() bool { return e.Kind == FieldWritten || e.Kind == TrailerRead }

// hasBytes reports whether Bytes says something, be it 0.
func (e *Event) hasBytes() bool {
	switch e.Kind {
	case HeadWritten, BodyWritten, HeadRead, BodyRead, BodyDecoded:
		return true
	}
	return e.Bytes != 0
}

// appendTo appends the value as a word.
func (d *fact) appendTo(dst []byte) []byte {
	switch v := d.val.(type) {
	case string:
		return append(dst, v...)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case bool:
		return strconv.AppendBool(dst, v)
	case time.Duration:
		return append(dst, v.Round(time.Microsecond).String()...)
	case netip.AddrPort:
		return v.AppendTo(dst)
	case []netip.Addr:
		for i, a := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.AppendTo(dst)
		}
		return dst
	case Reason:
		return append(dst, v.String()...)
	case error:
		return append(dst, v.Error()...)
	}
	return dst
}
