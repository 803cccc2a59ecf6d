package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sonde"
	"sonde/cookie"
)

// greet greets by cookie those who were there before.
func greet(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("name"); err == nil {
		fmt.Fprintf(w, "hello %s", c.Value)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "name", Value: "Ada", MaxAge: 3600, HttpOnly: true})
	fmt.Fprint(w, "who are you?")
}

func Example() {
	server := httptest.NewServer(http.HandlerFunc(greet))
	defer server.Close()

	client, err := sonde.New(sonde.Config{Jar: cookie.New(cookie.Config{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for range 2 {
		resp, err := client.Get(context.Background(), server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", resp.Body)
	}
	// Output:
	// who are you?
	// hello Ada
}

// A jar outlives the program in a file that curl reads, too.
func ExampleJar_Save() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "cookies.txt")

	jar := cookie.New(cookie.Config{})
	jar.SetCookies(&url.URL{Scheme: "https", Host: "shop.example", Path: "/"}, []string{"cart=3; Secure", "lang=en; Domain=shop.example"})
	if err := jar.Save(file, cookie.Netscape); err != nil {
		fmt.Println(err)
		return
	}

	again := cookie.New(cookie.Config{})
	if err := again.Load(file); err != nil {
		fmt.Println(err)
		return
	}
	for c := range again.All() {
		fmt.Println(c.Domain, c.Name, c.Value, c.HostOnly, c.Persistent())
	}
	// Output:
	// shop.example cart 3 true false
	// shop.example lang en false false
}

func ExampleJar_Delete() {
	jar := cookie.New(cookie.Config{})
	u := &url.URL{Scheme: "https", Host: "www.shop.example", Path: "/"}
	jar.SetCookies(u, []string{"cart=3", "track=1; Domain=shop.example; Max-Age=3600"})

	n := jar.Delete(func(c cookie.Cookie) bool { return c.Name == "track" })
	fmt.Println(n, jar.Cookie(u))
	// Output: 1 cart=3
}

func ExampleJar_Set() {
	jar := cookie.New(cookie.Config{})
	fmt.Println(jar.Set(cookie.Cookie{Name: "token", Value: "t", Domain: "api.example", Secure: true}))
	fmt.Println(jar.Set(cookie.Cookie{Name: "__Host-token", Value: "t", Domain: "api.example"}))

	u := &url.URL{Scheme: "https", Host: "v2.api.example", Path: "/"}
	for _, c := range jar.Cookies(u) {
		fmt.Println(c.Name, c.SameSite == cookie.SameSiteDefault)
	}
	// Output:
	// <nil>
	// cookie "__Host-token": the name begins with __Host-, but it is not Secure
	// token true
}

func ExampleFromJar() {
	inner, err := cookiejar.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var jar sonde.Jar = cookie.FromJar(inner)
	u := &url.URL{Scheme: "https", Host: "a.example", Path: "/"}
	jar.SetCookies(u, []string{"a=b; Path=/"})
	fmt.Println(jar.Cookie(u))
	// Output: a=b
}

// suffixes are those of a network of one's own.
type suffixes map[string]bool

func (s suffixes) PublicSuffix(domain string) string {
	for d := domain; ; {
		_, rest, ok := strings.Cut(d, ".")
		if s[d] || !ok {
			return d
		}
		d = rest
	}
}

// The domains below which anybody may have a name are replaceable.
func ExamplePublicSuffixes() {
	var list cookie.PublicSuffixes = suffixes{"users.internal": true}
	jar := cookie.New(cookie.Config{PublicSuffixes: list})
	ada := &url.URL{Scheme: "https", Host: "ada.users.internal", Path: "/"}
	jar.SetCookies(ada, []string{"mine=1", "everybodys=2; Domain=users.internal"})
	fmt.Println(jar.Cookie(ada))
	// Output: mine=1
}

// A file that cannot be read is refused as a whole, with the line that is wrong.
func ExampleLineError() {
	var format cookie.Format = cookie.Netscape
	jar := cookie.New(cookie.Config{})
	err := jar.Decode(strings.NewReader("# Netscape HTTP Cookie File\nexample.com\tFALSE\n"))
	var line *cookie.LineError
	fmt.Println(errors.As(err, &line), line.Line)
	fmt.Println(jar.Encode(io.Discard, format))
	// Output:
	// true 2
	// <nil>
}
