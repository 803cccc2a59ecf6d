package nethttp

import (
	"net/textproto"
	"strings"
	"sync/atomic"
)

// name is a field's name as it came, and as keys of http.Header have it.
type name struct{ raw, canonical string }

// names are the last ones that came, each in the slot that its letters give: all
// servers together have few. An entry does not change.
var names [1 << 9]atomic.Pointer[name]

// longestName is the length to which names are kept.
const longestName = 64

// canonical is http.CanonicalHeaderKey, for 5 ns instead of 30 or, where the case is
// another, 100 and an allocation. What it returns is no part of raw, which may
// change.
func canonical(raw string) string {
	n := len(raw)
	if n == 0 || n > longestName {
		return textproto.CanonicalMIMEHeaderKey(strings.Clone(raw))
	}
	slot := &names[(uint(raw[0])*7+uint(raw[n/2])*31+uint(raw[n-1])*113+uint(n)*5)%uint(len(names))]
	if known := slot.Load(); known != nil && known.raw == raw {
		return known.canonical
	}
	raw = strings.Clone(raw)
	known := &name{raw, textproto.CanonicalMIMEHeaderKey(raw)}
	slot.Store(known)
	return known.canonical
}
