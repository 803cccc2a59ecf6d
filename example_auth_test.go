package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sonde"
	"sonde/auth"
	"sonde/guard"
)

// Credentials of a request; those of all requests of a client are Config.Auth.
func ExampleWithAuth() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="here", nonce="n", qop="auth", algorithm=SHA-256`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	defer stop()

	resp, err := sonde.Get(context.Background(), base, sonde.WithAuth(auth.Digest("ada", "open sesame")))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: welcome
}

// keyed is an Authenticator: it sends a key of its own to one host, also when a
// redirect leads there.
type keyed struct{ host, key string }

func (k keyed) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if k.Covers(a.URL) {
		a.Set("X-Api-Key", k.key)
	}
	return nil
}

func (k keyed) Covers(u *url.URL) bool { return u.Host == k.host }

func ExampleAuthenticator() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Api-Key")) })
	defer stop()
	client, _ := sonde.New(sonde.Config{Auth: keyed{strings.TrimPrefix(base, "http://"), "k3y"}})
	defer client.Close()

	resp, err := client.Get(context.Background(), base)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: k3y
}

// A test of an Authenticator, without a server.
func ExampleAuthRequest() {
	u, _ := url.Parse("https://api.example.com/users")
	a := &sonde.AuthRequest{Method: sonde.GET, URL: u, Target: "/users"}
	err := keyed{"api.example.com", "k3y"}.Authenticate(context.Background(), a)
	fields, _ := a.Fields()
	fmt.Println(fields.Get("X-Api-Key"), err)
	// Output: k3y <nil>
}

func ExampleHeader_Challenges() {
	var h sonde.Header
	h.Add("WWW-Authenticate", `Basic realm="apps", Digest realm="apps", nonce="n", qop="auth"`)
	h.Add("WWW-Authenticate", "Negotiate")
	for _, c := range h.Challenges("WWW-Authenticate") {
		fmt.Println(c.Scheme, len(c.Params), c.Param("realm"))
	}
	// Output:
	// basic 1 apps
	// digest 3 apps
	// negotiate 0
}

// A test of what an Authenticator does with a challenge, made by hand.
func ExampleChallenge() {
	c := sonde.Challenge{Scheme: "digest", Params: []sonde.ChallengeParam{
		{Name: "realm", Value: "apps"}, {Name: "nonce", Value: "n"}, {Name: "qop", Value: "auth"},
	}}
	u, _ := url.Parse("http://localhost/x")
	a := &sonde.AuthRequest{Method: sonde.GET, URL: u, Target: "/x", Challenges: []sonde.Challenge{c}, Refused: 1}
	err := auth.Digest("ada", "open sesame").Authenticate(context.Background(), a)
	fields, _ := a.Fields()
	answer, _, _ := strings.Cut(fields.Get("Authorization"), ", uri")
	fmt.Println(answer, err)
	// Output: Digest username="ada", realm="apps", nonce="n" <nil>
}

// A client for URLs that somebody else chose: it does not reach into its own
// network, whatever they mean and wherever they redirect to.
func ExampleConfig_guard() {
	base, stop := server(hello)
	defer stop()
	client, err := sonde.New(sonde.Config{Guard: guard.Public, Proxy: sonde.NoProxy()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	_, err = client.Get(context.Background(), base)
	var refused *guard.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason)
	}
	// Output: loopback (RFC 1122)
}

// Files below one directory as URLs, and none beside it: not by "..", not by a
// symbolic link.
func ExampleHandler_file() {
	dir, err := os.MkdirTemp("", "sonde")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("Hello file"), 0o600)
	root, err := os.OpenRoot(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer root.Close()

	files := func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		u, err := url.Parse(req.URL())
		if err != nil {
			return nil, err
		}
		f, err := root.Open(strings.TrimPrefix(path.Clean("/"+u.Path), "/"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return sonde.NewExchange(sonde.Head{Status: sonde.StatusNotFound}, nil), nil
		case err != nil:
			return nil, err
		}
		return sonde.NewExchange(sonde.Head{Status: sonde.StatusOK}, f), nil // which closes it
	}
	client, err := sonde.New(sonde.Config{Schemes: map[string]sonde.Handler{"file": files}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	for _, name := range []string{"hello.txt", "../../etc/passwd"} {
		resp, err := client.Get(context.Background(), "file:///"+name, sonde.WithAccept(sonde.StatusNotFound))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Status, string(resp.Body))
	}
	// Output:
	// 200 OK Hello file
	// 404 Not Found
}
