package cookie

import (
	"net/http"
	"net/url"

	"sonde"
)

// FromJar makes a sonde.Jar of a net/http one, such as *net/http/cookiejar.Jar.
// What that one's Cookie type has no place for is lost on the way.
func FromJar(jar http.CookieJar) sonde.Jar { return httpJar{jar} }

type httpJar struct{ jar http.CookieJar }

// Cookie returns the value of the Cookie field.
func (j httpJar) Cookie(u *url.URL) string {
	r := http.Request{Header: http.Header{}}
	for _, c := range j.jar.Cookies(u) {
		r.AddCookie(c)
	}
	return r.Header.Get("Cookie")
}

// SetCookies takes the values of Set-Cookie fields.
func (j httpJar) SetCookies(u *url.URL, values []string) {
	set := make([]*http.Cookie, 0, len(values))
	for _, v := range values {
		if c, err := http.ParseSetCookie(v); err == nil {
			set = append(set, c)
		}
	}
	j.jar.SetCookies(u, set)
}
