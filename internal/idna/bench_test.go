package idna

import (
	"testing"

	"golang.org/x/net/idna"
)

// BenchmarkToASCII is this package beside golang.org/x/net/idna.
func BenchmarkToASCII(b *testing.B) {
	for _, p := range []struct {
		name    string
		toASCII func(string) (string, error)
	}{{"ours", ToASCII}, {"xnet", idna.Lookup.ToASCII}} {
		for _, host := range []struct{ name, host string }{
			{"German", "www.bücher.example"},
			{"large", "WWW.BÜCHER.EXAMPLE"},
			{"Japanese", "例え。テスト"},
			{"Arabic", "موقع.وزارة-الاتصالات.مصر"},
			{"marks", "ti\u0302\u0301ng-vie\u0323\u0302t.example"},
			{"Korean", "다음과같은.한국"},
			{"joiner", "नाम\u200d.क\u094d\u200dष.example"},
			{"A-labels", "xn--r8jz45g.xn--zckzah"},
			{"long", "dies-ist-ein-langer-name-mit-einem-ü-darin.und-noch-einem-ö-hier.example"},
		} {
			b.Run(p.name+"/"+host.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.toASCII(host.host)
				}
			})
		}
	}
}

// BenchmarkUnpack is the time that the first host takes more.
func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		unpack()
	}
}
