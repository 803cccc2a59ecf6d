package message

import (
	"fmt"
	"strings"
	"testing"
)

var sixFields = strings.Join([]string{
	"Date: Tue, 04 Mar 2025 09:41:44 GMT",
	"Content-Type: application/json; charset=utf-8",
	"Content-Length: 200",
	"Server: nginx/1.27.4",
	"Cache-Control: no-store",
	"Vary: Accept-Encoding",
}, "\r\n") + "\r\n"

var twentyFields = func() string {
	s := sixFields + "Connection: keep-alive\r\nETag: \"5f3c-62a1b9\"\r\nStrict-Transport-Security: max-age=31536000\r\n"
	for i := range 11 {
		s += fmt.Sprintf("X-Request-Detail-%d: value-%d-abcdefghijklmnop\r\n", i, i)
	}
	return s
}()

func BenchmarkFieldsParse(b *testing.B) {
	for _, text := range []string{sixFields, twentyFields} {
		lines := []byte(text)
		b.Run(fmt.Sprint(strings.Count(text, "\n")), func(b *testing.B) {
			var f Fields
			f.SetIndex(make([]Span, 0, 32))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Parse(lines, 0, 1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFieldsGet(b *testing.B) {
	var f Fields
	if err := f.Parse([]byte(twentyFields), 0, 1000); err != nil {
		b.Fatal(err)
	}
	f.Detach()
	b.ReportAllocs()
	for b.Loop() {
		if f.Get("Connection") == "" || f.Has("Transfer-Encoding") {
			b.Fatal("wrong")
		}
	}
}
