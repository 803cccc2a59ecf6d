package cookie

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzSetCookies: whatever a server sets, what is sent back has no control byte,
// is no longer than what was set, and comes through both formats of files.
func FuzzSetCookies(f *testing.F) {
	f.Add("a.example", "/p/q", "a=b; Path=/; Domain=a.example; Secure; HttpOnly; SameSite=Lax; Max-Age=60")
	f.Add("127.0.0.1", "", "a=b; Expires=Thu, 31 Dec 2037 23:55:55 GMT")
	f.Add("bücher.co.uk", "/", "=a\tb\xff; Path=/\xfe")
	f.Fuzz(func(t *testing.T, host, path, set string) {
		clk := newClock()
		u := &url.URL{Scheme: "https", Host: host, Path: path}
		j := New(Config{Now: clk.Now})
		j.SetCookies(u, []string{set})
		sent := j.Cookie(u)
		if strings.ContainsAny(sent, "\r\n\x00") || len(sent) > len(set) {
			t.Fatalf("%q sends %q", set, sent)
		}
		tabs := false
		for c := range j.All() {
			tabs = tabs || strings.Contains(c.Name+c.Value+c.Path, "\t")
			if c.Domain == "" || c.Path == "" || c.Path[0] != '/' {
				t.Fatalf("%q: %+v", set, c)
			}
		}
		for _, format := range []Format{Netscape, JSON} {
			var b bytes.Buffer
			if err := j.Encode(&b, format); err != nil {
				t.Fatal(err)
			}
			again := New(Config{Now: clk.Now})
			if err := again.Decode(&b); err != nil {
				t.Fatal(err)
			}
			if got := again.Cookie(u); got != sent && (format == JSON || !tabs) {
				t.Fatalf("%q, before %q", got, sent)
			}
		}
	})
}

// FuzzDecode: a file never makes a panic, and what it gives is a cookie.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("#HttpOnly_.a.example\tTRUE\t/\tTRUE\t1900000000\tname\tvalue\n"))
	f.Add([]byte("Set-Cookie: a=b; Domain=a.example\n# x\n"))
	f.Add([]byte(`{"version":1,"cookies":[{"name":"a","value":"ÿ","latin1":true,"domain":"a.example","path":"/"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		clk := newClock()
		j := New(Config{Now: clk.Now})
		if j.Decode(bytes.NewReader(data)) != nil {
			if j.Len() != 0 {
				t.Fatal("added in spite of an error")
			}
			return
		}
		var b bytes.Buffer
		if err := j.Encode(&b, JSON); err != nil {
			t.Fatal(err)
		}
		again := New(Config{Now: clk.Now})
		if err := again.Decode(&b); err != nil || !slices.Equal(values(j), values(again)) {
			t.Fatalf("%q %q: %v", values(j), values(again), err)
		}
	})
}

func values(j *Jar) (all []string) {
	for c := range j.All() {
		all = append(all, c.Domain+" "+c.Path+" "+c.Name+"="+c.Value)
	}
	return all
}

// FuzzDate: a date is never before 1601, and the same when written anew.
func FuzzDate(f *testing.F) {
	f.Add("Thu, 31 Dec 23:55:55 2037 GMT")
	f.Add("Mon, 10-Dec-07 20:35:03 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDate(s)
		if !ok {
			return
		}
		if again, ok := parseDate(d.Format("Mon, 02 Jan 2006 15:04:05 GMT")); !ok || !again.Equal(d) || d.Year() < 1601 {
			t.Fatalf("%q: %v, %v", s, d, again)
		}
	})
}
