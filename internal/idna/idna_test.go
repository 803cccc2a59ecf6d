package idna

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"sonde/internal/race"
)

// TestToASCII shows what there is, with the errors that callers print.
func TestToASCII(t *testing.T) {
	for _, c := range []struct{ name, host, want string }{
		{"ASCII", "Example.COM.", "example.com."},
		{"one beyond", "Bücher.example", "xn--bcher-kva.example"},
		{"all beyond", "例え。テスト", "xn--r8jz45g.xn--zckzah"},
		{"not transitional", "faß.de", "xn--fa-hia.de"},
		{"an A-label", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"letters and marks apart", "bu\u0308cher.example", "xn--bcher-kva.example"},
		{"Hangul in parts", "\u1112\u1161\u11ab\u1100\u116e\u11a8.kr", "xn--3e0b707e.kr"},
		{"full width", "ＡＢＣ．ｃｏｍ", "abc.com"},
		{"three kinds of dots", "a。b．c｡d", "a.b.c.d"},
		{"what shows nothing", "ex\u00adam\u200bple.com", "example.com"},
		{"from right to left", "بي\u0661.example", "xn--ngb2e3c.example"},
		{"a joiner behind a virama", "क्\u200dष", "xn--11b2ezcw70k"},
		{"a non-joiner between letters", "نامه\u200cای", "xn--mgba3gch31f060k"},
		{"empty labels", "ü..", "xn--tda.."},
		{"an A-label of nothing", "xn--.ü", ".xn--tda"},
	} {
		if got, err := ToASCII(c.host); err != nil || got != c.want {
			t.Errorf("%s: %+q is %q, %v; want %q", c.name, c.host, got, err, c.want)
		}
	}
	for _, c := range []struct{ name, host, want string }{
		{"no letter of a host", "ü_.de", "idna: disallowed rune U+005F"},
		{"not assigned", "ü.\u0378", "idna: disallowed rune U+0378"},
		{"no UTF-8", "\xfcber.de", "idna: disallowed rune U+FFFD"},
		{"a hyphen first", "a.-ü", `idna: invalid label "-ü"`},
		{"a hyphen last", "a.ü-", `idna: invalid label "ü-"`},
		{"two hyphens", "ab--ü", `idna: invalid label "ab--ü"`},
		{"a mark first", "\u0301a", "idna: invalid label \"\u0301a\""},
		{"a joiner between Latin letters", "a\u200db", `idna: invalid label "a\u200db"`},
		{"both directions", "א1a.b", `idna: invalid label "א1a.b"`},
		{"both kinds of digits", "א1\u0661", "idna: invalid label \"א1\u0661\""},
		{"a digit before a label from right to left", "1.א", `idna: invalid label "1.א"`},
		{"an A-label of ASCII", "xn--abc-.ü", `idna: invalid label "abc-"`},
		{"an A-label that is none", "xn--a-ü", `idna: invalid label "a-ü"`},
		{"an A-label not in NFC", "xn--u-ccb.ü", "idna: invalid label \"u\u0308\""},
		{"an A-label with a large letter", "xn--bcher-2pa", `idna: invalid label "bÜcher"`},
		{"too long", strings.Repeat("日", maxName+1), "idna: more than 1023 characters"},
	} {
		if got, err := ToASCII(c.host); got != "" || err == nil || err.Error() != c.want {
			t.Errorf("%s: %q, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// TestWithoutEnd: a host that a server sends takes no more memory than one that is
// allowed.
func TestWithoutEnd(t *testing.T) {
	tables.once.Do(unpack)
	allocs := func(host string) float64 {
		return testing.AllocsPerRun(10, func() { ToASCII(host) })
	}
	most := allocs(strings.Repeat("\u3316", maxName/6)) // each becomes six
	if n := allocs(strings.Repeat("\u3316", 100_000)); n > most && !race.Enabled {
		t.Errorf("%v allocations, %v for one that is allowed", n, most)
	}
}

// same compares ToASCII with golang.org/x/net/idna: what a host becomes, and the text
// of the error. Three things differ, and are meant to. What is no UTF-8 is an error
// here, and there in most cases U+FFFD. So is a name of more than maxName characters.
// And beside an error there is no host here.
func same(t testing.TB, host string) {
	got, err := ToASCII(host)
	if !utf8.ValidString(host) {
		if err == nil {
			t.Errorf("%q is no UTF-8, but became %q", host, got)
		}
		return
	}
	want, wantErr := idna.Lookup.ToASCII(host)
	if wantErr != nil {
		want = ""
	}
	if got != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("%+q became %q, %v; by golang.org/x/net/idna %q, %v", host, got, err, want, wantErr)
	}
}

// around is where each character is put: among others that some rule joins it with.
var around = []string{
	"a_b", "a\u0301_", "a\u0323_\u0301", "_\u0301", "_\u0323\u0301", "\u1100_", "\u1100\u1161_", "_\u11a8", "\u09c7_", // combining
	"1a._", "1a.x_", "\u05d0_", "_\u05d0", "\u05d0_\u05d0", "\u05d01_", "\u05d0\u0661_", "\u05d0_.b", "_1", // directions
	"a_\u200d", "a_\u200c", "\u0628_\u200c\u0627", "a_\u200c\u0627", "\u0628\u200c_", "\u0628\u200c_\u0627", "\u0628\u094d\u200c_", // joiners
	"_-", "-_", "_--a", "a_--", "a_--b", "xn--_", "xn--a_-", "xn--a-_", "_n--a", // hyphens
	"_.", "._", "_\u3002a", "\u00ad_", "_\u0345", "a" + strings.Repeat("\u0301", maxMarks-1) + "_\u0301\u0301", // and others
}

// TestEachCharacter compares with every character; with those that rules are about also
// among others and as their parts, in U-labels and A-labels.
func TestEachCharacter(t *testing.T) {
	sameUnicode(t)
	tables.once.Do(unpack)
	plain := of('\u4e00')
	for r := rune(0); r <= maxRune && !t.Failed(); r++ {
		if race.Enabled && r%16 > 0 {
			continue // it finds nothing here, and takes its time
		}
		s := string(r)
		same(t, s)
		// TestTables has compared the tables. Of 100,000 ideographs some are enough.
		if c := of(r); c.status() == disallowed || c == plain && r > 0x3000 && r%64 > 0 {
			continue
		}
		for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
			parts := form.String(s)
			if parts != s {
				same(t, parts)
			}
			raw, err := idna.Punycode.ToASCII(parts)
			if err != nil {
				t.Fatal(err)
			}
			same(t, raw)
		}
		for _, others := range around {
			host := strings.Replace(others, "_", s, 1)
			same(t, host)
		}
	}
}

var alphabets = []string{
	"ab1-.xn",
	"aeiou\u0300\u0301\u0302\u0304\u0306\u0307\u0308\u0323\u0327\u0328\u0331\u0345\u034f.",
	"\u05d0\u05d1\u0627\u0628\u06440123\u0660\u0661\u06f1\u06f2a-.\u064b\u0301",
	"\u0301\u0323\u0308\u0345\u0334\u0300\u0316\u09be\u1161\u0f39",
	"\u0628\u0627\u0644\u200c\u200d\u094d\u0915\u0937\u0a4d\u0d4da\u0640\u0651.",
	"\u1100\u1161\u11a8\u1112\u1175\u11c2\uac00\uac01\ud7a3\u0301\u11a7\u1160.",
	"A\u00c4\u00df\u1e9e\u03a3\u03c2\u0130\u0131\u01c4\ufb01\u2460\u2488\u212a\uff21\uff0d\uff0e\u3002\uff61.",
	"\u09c7\u09be\u09d7\u0b47\u0b56\u0bc6\u0bbe\u0cc6\u0cd5\u0d46\u0d3e\u0dd9\u0dcf\u0dca\u1025\u102e\U00011099\U000110ba\U00011131\U00011127.",
	"\u0958\u0959\ufb1d\ufb1f\u2adc\u0340\u0343\u0344\u0374\u037e\u0387\u1fef\u2126\uf900\U0002f800\U0001d15e\U0001d1bb.",
	"\u00ad\u200b\u2060\ufeff\ufe00\ufe0f\U000e0100\u180b\u034f\u061ca.",
	"xn--xn--a-bcher-kva0123456789.",
	"_ !%/:\x00\x7fa.",
}

// random is a host of some characters of an alphabet or two, or of any.
func random(rnd *rand.Rand) string {
	var from []rune
	for range 1 + rnd.IntN(2) {
		from = append(from, []rune(alphabets[rnd.IntN(len(alphabets))])...)
	}
	var b strings.Builder
	if rnd.IntN(8) == 0 {
		b.WriteString("xn--")
	}
	for range 1 + rnd.IntN(1+rnd.IntN(80)) {
		r := from[rnd.IntN(len(from))]
		if rnd.IntN(40) == 0 {
			r = rune(rnd.IntN(0x20000))
		}
		b.WriteRune(r)
	}
	host := b.String()
	if rnd.IntN(4) > 0 {
		return host
	}
	// All that is in it in an A-label, allowed or not.
	if raw, err := idna.Punycode.ToASCII(host); err == nil {
		return raw
	}
	return host
}

// TestRandom compares with names of characters that rules are about.
func TestRandom(t *testing.T) {
	sameUnicode(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	good := 0
	n := 100_000
	if race.Enabled {
		n /= 10
	}
	for range n {
		host := random(rnd)
		same(t, host)
		if _, err := ToASCII(host); err == nil {
			good++
		}
	}
	if good < n/20 || good > n*19/20 {
		t.Errorf("%d of %d names are allowed: they show little", good, n)
	}
}
