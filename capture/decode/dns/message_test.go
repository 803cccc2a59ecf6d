package dns_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sonde/capture/decode/dns"
)

// answer is a response to "www.example.com A" with a CNAME and an address, all
// names compressed.
var answer = []byte("\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x01" +
	"\x03www\x07example\x03com\x00\x00\x01\x00\x01" +
	"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn\xc0\x10" +
	"\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01" +
	"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00")

func TestParse(t *testing.T) {
	var m dns.Message
	if err := dns.Parse(answer, &m); err != nil {
		t.Fatal(err)
	}
	if !m.Response() || !m.RecursionAvailable() || m.RCode().String() != "NoError" || m.ID != 0x1234 {
		t.Errorf("header: %+v", m)
	}
	var got []string
	for _, q := range m.Questions {
		got = append(got, fmt.Sprint(q.Name, " ", q.Type, " ", q.Class))
	}
	for _, r := range append(m.Answers, m.Additional...) {
		got = append(got, fmt.Sprint(r.Name, " ", r.TTL&0xffff, " ", r.Type, " ", r.Text))
	}
	want := "www.example.com. A IN|www.example.com. 60 CNAME cdn.example.com.|" +
		"cdn.example.com. 60 A 192.0.2.1|. 32768 OPT udp=1232 version=0 do"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// one makes a response with a single record of the root.
func one(kind byte, data string) []byte {
	return []byte("\x00\x00\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + string(kind) +
		"\x00\x01\x00\x00\x00\x01\x00" + string(byte(len(data))) + data)
}

func TestData(t *testing.T) {
	tests := []struct {
		kind byte
		data string
		want string
	}{
		{1, "\x0a\x00\x00\x01", "10.0.0.1"},
		{1, "\x0a\x00\x00", `\# 3 0a0000`},
		{28, strings.Repeat("\x00", 15) + "\x01", "::1"},
		{15, "\x00\x0a\x04mail\x00", "10 mail."},
		{33, "\x00\x01\x00\x02\x01\xbb\x01h\x00", "1 2 443 h."},
		{16, "\x03a b\x02\x1b\"", `"a b" "\027\""`},
		{6, "\x02ns\x00\x02me\x00" + strings.Repeat("\x00\x00\x00\x07", 5), "ns. me. 7 7 7 7 7"},
		{65, "\x00\x01\x00\x00\x01\x00\x06\x02h2\x02h3\x00\x03\x00\x02\x01\xbb\x00\x04\x00\x04\x7f\x00\x00\x01", "1 . alpn=h2,h3 port=443 ipv4hint=127.0.0.1"},
		{65, "\x00\x01\x00\x00\x01\x00\x09\x02h2", `\# 10 0001000001000902` + "6832"},
		{120, "\xff", `\# 1 ff`},
	}
	for _, tt := range tests {
		var m dns.Message
		if err := dns.Parse(one(tt.kind, tt.data), &m); err != nil {
			t.Fatalf("type %d: %v", tt.kind, err)
		}
		if got := m.Answers[0].Text; got != tt.want {
			t.Errorf("type %d: %q, want %q", tt.kind, got, tt.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	head := "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	tests := []struct {
		name, text string
		want       error
	}{
		{"pointer to itself", head + "\xc0\x0c\x00\x01\x00\x01", dns.ErrName},
		{"pointers in a ring", head + "\x01a\xc0\x0c\x00\x01\x00\x01", dns.ErrName},
		{"pointer ahead", head + "\xc0\x20\x00\x01\x00\x01", dns.ErrName},
		{"label of 64", head + "\x40", dns.ErrName},
		{"name of 256", head + strings.Repeat("\x01a", 128) + "\x00\x00\x01\x00\x01", dns.ErrName},
		{"short", head + "\x01", dns.ErrTruncated},
		{"shorter", "\x00", dns.ErrTruncated},
		{"many", "\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00\x00\x01\x00\x01", 2000), dns.ErrTooMany},
	}
	for _, tt := range tests {
		var m dns.Message
		if err := dns.Parse([]byte(tt.text), &m); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer)
	f.Add(one(65, "\x00\x01\x00\x00\x01\x00\x03\x02h2"))
	f.Add(one(6, "\x02ns\x00\x02me\x00"+strings.Repeat("\x00\x00\x00\x07", 5)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m dns.Message
		dns.Parse(b, &m)
		_ = m.RCode().String()
		for _, section := range [][]dns.Record{m.Answers, m.Authority, m.Additional} {
			for _, r := range section {
				for _, c := range []byte(r.Name + r.Text) {
					if c < ' ' || c > '~' {
						t.Fatalf("%q and %q are not printable", r.Name, r.Text)
					}
				}
			}
		}
		if n, _ := dns.ParseTCP(b, &m); n > len(b) {
			t.Fatal("more than there is")
		}
	})
}

func ExampleMessage() {
	var m dns.Message
	if err := dns.Parse(answer, &m); err != nil {
		fmt.Println(err)
	}
	fmt.Println(m.Questions[0].Type, m.Questions[0].Name, m.RCode())
	for _, r := range m.Answers {
		fmt.Println(r.Type, r.Text)
	}
	// Output:
	// A www.example.com. NoError
	// CNAME cdn.example.com.
	// A 192.0.2.1
}
