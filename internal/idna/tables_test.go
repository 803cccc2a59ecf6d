package idna

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/net/idna"
	bidirectional "golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

var update = flag.Bool("update", false, "write tables.bin anew")

// TestTables: tables.bin is what golang.org/x/net/idna and golang.org/x/text say of each
// character. They are asked by their exported functions alone. It has, deflated:
//
//   - one byte for each block of characters: which of the next it is
//   - the different blocks: one byte for each character, the number of its traits
//   - the traits with each number
//   - the parts of each character that has some, in order. If it is replaced, the first
//     is told by how much farther away it is than that of the one before; the others are
//     told as they are. If it is made of two, each is told by its distance to those of
//     the one before.
//
// Numbers are varints as package encoding/binary has them.
func TestTables(t *testing.T) {
	sameUnicode(t)
	want := pack(t)
	if *update {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(want)
		w.Close()
		if err := os.WriteFile("tables.bin", b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		packed = b.Bytes()
	}
	got, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("tables.bin is not what it should be (%d bytes for %d, %v): -update writes it anew", len(got), len(want), err)
	}
	t.Logf("%d bytes, %d inflated, %d unpacked", len(packed), len(got), unsafe.Sizeof(tables))
}

// sameUnicode skips where golang.org/x/net/idna has tables of another version of
// Unicode, and rules with it: it has two, and chooses by the version of Go.
func sameUnicode(t testing.TB) {
	const ours = "15.0.0"
	if idna.UnicodeVersion != ours || norm.Version != ours || bidirectional.UnicodeVersion != ours {
		t.Skipf("this package has Unicode %s, golang.org/x/net/idna %s with this version of Go", ours, idna.UnicodeVersion)
	}
}

// maps does the mapping of the profile Lookup and none of its checks.
var maps = idna.New(idna.MapForLookup(), idna.ValidateLabels(false), idna.CheckJoiners(false), idna.CheckHyphens(false))

// mapsTo is what a character is mapped to, by NFC too. Surrogates are no characters.
func mapsTo(r rune) (string, status) {
	to, err := maps.ToUnicode(string(r))
	switch {
	case err != nil || 0xd800 <= r && r <= 0xdfff:
		return "", disallowed
	case to == string(r):
		return to, valid
	case to == "":
		return "", ignored
	}
	return to, replaced
}

// traitsOf is the traits of a character, but for what makes others. All that is
// disallowed has the same.
func traitsOf(r rune) traits {
	to, s := mapsTo(r)
	c := traits(s)
	if s == disallowed {
		return c
	}
	p, _ := bidirectional.LookupRune(r)
	b := bidiON
	switch p.Class() {
	case bidirectional.L:
		b = bidiL
	case bidirectional.R, bidirectional.AL:
		b = bidiR
	case bidirectional.EN:
		b = bidiEN
	case bidirectional.AN:
		b = bidiAN
	case bidirectional.NSM:
		b = bidiNSM
	}
	if s == replaced {
		if b == bidiR || b == bidiAN {
			c |= traits(bidiR) << 2
		}
		return c | traits(utf8.RuneCountInString(to))<<17
	}
	ccc := norm.NFC.PropertiesString(string(r)).CCC()
	j, mark := joining(r, ccc)
	return c | traits(b)<<2 | traits(j)<<5 | bit(mark)<<7 | bit(ccc > 0)<<8 | traits(ccc)<<9
}

func bit(b bool) traits {
	if b {
		return 1
	}
	return 0
}

// joining finds out, by names that are allowed or not, whether r is a mark and what it
// joins with.
func joining(r rune, ccc uint8) (joins, bool) {
	checks := idna.New(idna.CheckJoiners(true)) // and does nothing else
	allowed := func(label string) bool {
		_, err := checks.ToASCII(label)
		return err == nil
	}
	const (
		alef = "\u0627" // joins with what comes before it
		beh  = "\u0628" // joins with both
		none = "\u200c" // ZWNJ
	)
	s := string(r)
	mark := !allowed(s)
	switch {
	case r == zwnj || r == zwj:
		return joinsNot, false // they have rules of their own
	case !allowed(beh+none+s) && allowed(beh+none+s+alef):
		return joinsThru, mark
	case !allowed(beh + none + s):
		return joinsLeft, mark
	case ccc != cccVirama && allowed("a"+s+none+alef):
		return joinsBoth, mark
	}
	return joinsNot, mark
}

// pair is the two characters that make r in NFC, but for Hangul.
func pair(r rune) (a, b rune, ok bool) {
	whole := norm.NFC.PropertiesString(string(r)).Decomposition()
	if _, s := mapsTo(r); s != valid || whole == nil {
		return 0, 0, false
	}
	parts := []rune(string(whole))
	last := len(parts) - 1
	first := []rune(norm.NFC.String(string(parts[:last])))
	return first[0], parts[last], len(first) == 1
}

// allTraits is the traits of each character.
func allTraits() []traits {
	all := make([]traits, maxRune+1)
	for r := range rune(maxRune + 1) {
		all[r] |= traitsOf(r)
		if _, b, ok := pair(r); ok {
			all[r] |= 2 << 17
			all[b] |= 1 << 8
		}
	}
	for i := range rune(countV) {
		all[hangulV+i] |= 1 << 8
	}
	for i := range rune(countT - 1) {
		all[hangulT+1+i] |= 1 << 8
	}
	return all
}

// pack makes the contents of tables.bin.
func pack(t *testing.T) []byte {
	all := allTraits()
	numbers, places, known := packBlocks(all)
	targets, sources, n := packParts(all)
	b := slices.Concat(numbers, places, known, targets)
	for _, c := range []struct {
		name     string
		is, says int
	}{
		{"countBlocks", len(places) / blockSize, countBlocks}, {"countSources", sources, countSources},
		{"countTargets", n, countTargets}, {"countAll", len(b), countAll},
	} {
		if c.is != c.says {
			t.Errorf("%s is %d, and should be %d", c.name, c.says, c.is)
		}
	}
	return b
}

// packBlocks is which of the different blocks each is, those, and the different traits.
func packBlocks(all []traits) (numbers, places, known []byte) {
	blocks, ids := map[string]byte{}, map[traits]byte{}
	for from := 0; from < len(all); from += blockSize {
		var block []byte
		for _, c := range all[from : from+blockSize] {
			id, ok := ids[c]
			if !ok {
				id = byte(len(ids))
				ids[c] = id
				known = binary.AppendUvarint(known, uint64(c))
			}
			block = append(block, id)
		}
		number, ok := blocks[string(block)]
		if !ok {
			number = byte(len(blocks))
			blocks[string(block)] = number
			places = append(places, block...)
		}
		numbers = append(numbers, number)
	}
	if len(ids) != countTraits || max(len(ids), len(blocks)) > 256 {
		panic(fmt.Sprintf("countTraits should be %d; %d blocks", len(ids), len(blocks)))
	}
	return numbers, places, known
}

// packParts is what becomes of characters, or what they are made of; how many there are,
// and how many parts.
func packParts(all []traits) (targets []byte, sources, n int) {
	var away, before1, before2 rune
	for i, c := range all {
		if c.parts() == 0 {
			continue
		}
		sources++
		n += c.parts()
		r := rune(i)
		if a, b, ok := pair(r); ok {
			targets = binary.AppendVarint(targets, int64(a-before1))
			targets = binary.AppendVarint(targets, int64(b-before2))
			before1, before2 = a, b
			continue
		}
		text, _ := mapsTo(r)
		parts := []rune(text)
		targets = binary.AppendVarint(targets, int64(parts[0]-r-away))
		away = parts[0] - r
		for _, part := range parts[1:] {
			targets = binary.AppendUvarint(targets, uint64(part))
		}
	}
	return targets, sources, n
}
