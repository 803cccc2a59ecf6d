package idna

import (
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

func FuzzLookup(f *testing.F) {
	sameUnicode(f)
	for _, s := range []string{
		"example.com", "B\u00fccher.example", "\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "fa\u00df.de", "xn--fa-hia.de", "xn--", "xn--a-", "XN--BCHER-KVA.",
		"\u0628\u064a.\u05d0\u0661", "\u0928\u200d", "\u0915\u094d\u200d\u0937", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc", "a\u0323\u0307",
		"-a", "a-", "ab--c", "\u00e9--c", "a..b.", "\u1100\u1161\u11a8", "xn--\u00fc-kva", "xn--99999999", "a\xff",
		"a" + strings.Repeat("\u0301", 40), strings.Repeat("\u00fc", 70), strings.Repeat("\U0002ffff\u00fc", 30),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if len(host) > maxName/3 {
			return // it may be too long here, and takes long there
		}
		same(t, host)
		ascii, err := ToASCII(host)
		if err != nil {
			return
		}
		// What is allowed has one form.
		if again, err := ToASCII(ascii); err == nil && again != ascii {
			t.Errorf("%q became %q, and that %q", host, ascii, again)
		}
		// All that came in A-labels, allowed or not.
		if raw, err := idna.Punycode.ToASCII(host); err == nil {
			same(t, raw)
		}
	})
}
