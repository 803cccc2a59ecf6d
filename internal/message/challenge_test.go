package message

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shown is challenges in one line, for tables.
func shown(all []Challenge) string {
	var b strings.Builder
	for i, c := range all {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(c.Scheme)
		if c.Token != "" {
			b.WriteString(" <" + c.Token + ">")
		}
		for _, p := range c.Params {
			fmt.Fprintf(&b, " %s=%s", p.Name, p.Value)
		}
	}
	return b.String()
}

func TestChallenges(t *testing.T) {
	for _, tt := range []struct{ name, field, want string }{
		{"one", `Basic realm="simple"`, "basic realm=simple"},
		// The example of RFC 9110 §11.6.1.
		{"two in one field", `Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
			`basic realm=simple | newauth realm=apps type=1 title=Login to "apps"`},
		{"scheme alone", "Negotiate", "negotiate"},
		{"scheme alone among others", `Negotiate, Basic realm="a, b", NTLM`, "negotiate | basic realm=a, b | ntlm"},
		{"token68", "Negotiate YII+/ab.-_~==", "negotiate <YII+/ab.-_~==>"},
		{"token68 that looks like a parameter", "Negotiate abc=, Basic realm=x", "negotiate <abc=> | basic realm=x"},
		{"two equal signs", "NTLM TlRMTVNT==", "ntlm <TlRMTVNT==>"},
		{"no realm", "Basic", "basic"},
		{"unquoted value", "Digest nonce=abc, stale=TRUE", "digest nonce=abc stale=TRUE"},
		{"space around =", `Digest realm = "x" , nonce	=	y`, "digest realm=x nonce=y"},
		{"address unquoted", "Bearer authorization_uri=https://login.example/a?b=c, error=invalid_token",
			"bearer authorization_uri=https://login.example/a?b=c error=invalid_token"},
		{"empty members", `, ,Basic realm="x",, charset="UTF-8",`, "basic realm=x charset=UTF-8"},
		{"names in lower case", `DIGEST Realm="X"`, "digest realm=X"},
		{"empty value", `Basic realm=""`, "basic realm="},
		{"a parameter without a scheme", `realm="x", Basic realm="y"`, "basic realm=y"},
		{"a parameter after a token68", `Negotiate abc, realm="x"`, "negotiate <abc>"},
		{"no comma between", `Digest realm="x" nonce="y", Basic realm="z"`, "basic realm=z"},
		{"no comma between later", `Digest realm="x", nonce="y" qop="auth", Basic realm="z"`, "basic realm=z"},
		{"quotes not closed", `Basic realm="x`, ""},
		{"quotes not closed later", `Negotiate, Basic realm="x, Digest nonce=y`, "negotiate"},
		{"garbage", `"", (), =, ==, a/b, ` + "\x80" + `, Basic realm=x`, "basic realm=x"},
		{"a slash in the scheme", `Ba/sic realm="x", Digest nonce="y"`, "digest nonce=y"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f Fields
			if err := f.Add("WWW-Authenticate", tt.field); err != nil {
				t.Fatal(err)
			}
			if got := shown(f.Challenges("www-authenticate")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestChallengesOfLines: each line stands by itself, unlike the members of other
// lists.
func TestChallengesOfLines(t *testing.T) {
	var f Fields
	for _, v := range []string{`Digest nonce="a"`, `nonce="b"`, `Basic realm="x`, "Negotiate"} {
		if err := f.Add("Proxy-Authenticate", v); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(f.Challenges("Proxy-Authenticate")); got != "digest nonce=a | negotiate" {
		t.Error(got)
	}
	many := strings.Repeat("a, ", 1000) + "Digest " + strings.Repeat("b=c, ", 1000)
	if all := appendChallenges(nil, many); len(all) != maxChallenges {
		t.Error(len(all), "challenges")
	}
	if all := appendChallenges(nil, "Digest "+strings.Repeat("b=c, ", 1000)); len(all) != 1 || len(all[0].Params) != maxParams {
		t.Error(shown(all))
	}
}

func FuzzChallenges(f *testing.F) {
	for _, s := range []string{
		`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
		"Negotiate abc==, NTLM, Digest a=b", `a "`, `a b="\`, "a  =b", "\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all := appendChallenges(nil, s)
		var again strings.Builder
		for _, c := range all {
			if !IsToken(c.Scheme) || c.Token != "" && len(c.Params) > 0 {
				t.Fatalf("%q gave %+v", s, c)
			}
			fmt.Fprintf(&again, ", %s %s", c.Scheme, c.Token)
			for i, p := range c.Params {
				if p.Value != c.Param(p.Name) && !slices.ContainsFunc(c.Params[:i], func(q ChallengeParam) bool { return q.Name == p.Name }) {
					t.Fatalf("%s is not found", p.Name)
				}
				if i > 0 {
					again.WriteString(", ")
				}
				fmt.Fprintf(&again, `%s="%s"`, p.Name, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.Value))
			}
		}
		for i := range len(again.String()) {
			if !inner.has(again.String()[i]) {
				return // a quoted byte that no field can have
			}
		}
		if got := appendChallenges(nil, again.String()); shown(got) != shown(all) {
			t.Fatalf("%q gave\n%s, written as %q\n%s", s, shown(all), again.String(), shown(got))
		}
	})
}
