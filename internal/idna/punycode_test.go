package idna

import (
	"strings"
	"testing"
)

// samples are those of RFC 3492 §7.1, with erratum 3026, and some short ones.
var samples = []struct{ what, decoded, encoded string }{
	{"Arabic", "ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"},
	{"Chinese, simplified", "他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"},
	{"Chinese, traditional", "他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"},
	{"Czech", "Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"},
	{"Hebrew", "למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"},
	{"Hindi", "यहलोगहिन्दीक्योंनहींबोलसकतेहैं", "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"},
	{"Japanese", "なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"},
	{"Korean", "세계의모든사람들이한국어를이해한다면얼마나좋을까", "989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c"},
	{"Russian", "почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
	{"Spanish", "PorquénopuedensimplementehablarenEspañol", "PorqunopuedensimplementehablarenEspaol-fmd56a"},
	{"Vietnamese", "TạisaohọkhôngthểchỉnóitiếngViệt", "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"},
	{"L", "3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"},
	{"M", "安室奈美恵-with-SUPER-MONKEYS", "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n"},
	{"N", "Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"},
	{"O", "ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v"},
	{"P", "MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"},
	{"Q", "パフィーdeルンバ", "de-jg4avhby1noc0d"},
	{"R", "そのスピードで", "d9juau41awczczp"},
	{"S", "-> $1.00 <-", "-> $1.00 <--"},
	{"one letter", "ü", "tda"},
	{"nothing", "", ""},
}

func TestPunycode(t *testing.T) {
	for _, s := range samples {
		if own, ok := decoded(runes(s.encoded)); !ok || string(own) != s.decoded {
			t.Errorf("%s: decoded as %q, %v", s.what, string(own), ok)
		}
		want := "xn--" + s.encoded
		if isASCII(runes(s.decoded)) {
			want = s.decoded
		}
		out := runes("a.")
		if out = encode(out, runes(s.decoded)); string(out) != "a."+want {
			t.Errorf("%s: encoded as %q", s.what, string(out))
		}
	}
}

func TestPunycodeErrors(t *testing.T) {
	for what, label := range map[string]string{
		"nothing before the hyphen":    "-abc",
		"a hyphen alone":               "-",
		"no digit":                     "foo#bar",
		"a digit of another script":    "a-\uff11",
		"ends within a number":         "9",
		"beyond U+10FFFF":              "99999a",
		"more than 31 bits":            "9999999999a",
		"more than 31 bits in one sum": "99999999999999999999",
	} {
		if own, ok := decoded(runes(label)); ok {
			t.Errorf("%s: %s is %q", what, label, string(own))
		}
	}
	// However long a number is, and whatever the low bits of what it would be.
	for n := 5; n < 200; n++ {
		for _, last := range "abcdefghijklmnopqrstuvwxyz" {
			if own, ok := decoded(runes(strings.Repeat("9", n) + string(last))); ok {
				t.Errorf("%d digits and %c are %q", n, last, string(own))
			}
		}
	}
}
