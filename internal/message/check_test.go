package message

import (
	"fmt"
	"testing"
)

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		check func(string) error
		in    string
		want  string
	}{
		{CheckMethod, "GET", ""},
		{CheckMethod, "M-SEARCH", ""},
		{CheckMethod, "", "the method is empty"},
		{CheckMethod, "GET /", `the method "GET /" is not a token`},
		{CheckMethod, "G\r\nX", `the method "G\r\nX" is not a token`},
		{CheckTarget, "/a/b?c=%20", ""},
		{CheckTarget, "*", ""},
		{CheckTarget, "http://user@host:80/x", ""},
		{CheckTarget, "", "the request target is empty"},
		{CheckTarget, "/a b", "a space in the request target: write %20"},
		{CheckTarget, "/a\r\nX: y", "byte 0x0d in the request target"},
		{CheckTarget, "/\x7f", "byte 0x7f in the request target"},
		{CheckTarget, "/\xc3\xa4", "byte 0xc3 in the request target: write %C3"},
		{CheckTarget, "/a#b", "a fragment in the request target"},
		{CheckAuthority, "example.com:8080", ""},
		{CheckAuthority, "[::1]", ""},
		{CheckAuthority, "", ""},
		{CheckAuthority, "user@host", "the host holds a user"},
		{CheckAuthority, "a\r\nb", "byte 0x0d in the host"},
		{CheckAuthority, "a b", "byte 0x20 in the host"},
		{CheckAuthority, "a/b", "byte 0x2f in the host"},
		{CheckTrailer, "Server-Timing", ""},
		{CheckTrailer, "content-LENGTH", "the field content-LENGTH may not be sent as a trailer"},
		{CheckTrailer, "Authorization", "the field Authorization may not be sent as a trailer"},
		{CheckTrailer, "", "a field's name is empty"},
	} {
		if err := c.check(c.in); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}
