package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"sonde"
	"sonde/auth"
)

// get makes a client with these credentials and calls a server with it.
func get(a sonde.Authenticator, h http.HandlerFunc) {
	s := httptest.NewServer(h)
	defer s.Close()
	client, err := sonde.New(sonde.Config{Auth: a})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	resp, err := client.Get(context.Background(), s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
}

// shows answers with the Authorization that came.
func shows(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) }

// asks refuses requests without credentials.
func asks(challenge string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		shows(w, r)
	}
}

func ExampleBasic() {
	get(auth.Basic("ada", "open sesame"), shows)
	// Output: Basic YWRhOm9wZW4gc2VzYW1l
}

// A token that is fetched anew when a server refuses the one that there is.
func ExampleBearerFunc() {
	token, fetched := "", 0
	get(auth.BearerFunc(func(ctx context.Context, refused string) (string, error) {
		if token == refused {
			fetched++
			token = fmt.Sprintf("token%d", fetched)
		}
		return token, nil
	}), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token1" {
			w.WriteHeader(http.StatusUnauthorized) // it is too old
			return
		}
		shows(w, r)
	})
	// Output: Bearer token2
}

func ExampleDigest() {
	get(auth.Digest("ada", "open sesame"), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			asks(`Digest realm="here", nonce="n", qop="auth", algorithm=SHA-256`)(w, r)
			return
		}
		fmt.Fprint(w, strings.Split(r.Header.Get("Authorization"), ",")[0])
	})
	// Output: Digest username="ada"
}

// The strongest of what a server takes.
func ExampleAny() {
	get(auth.Any(auth.Digest("ada", "x"), auth.Basic("ada", "x")), asks(`Basic realm="here"`))
	// Output: Basic YWRhOng=
}

// Different credentials for different servers, also after redirects.
func ExampleMap() {
	credentials := auth.Map(map[string]sonde.Authenticator{
		"https://api.example.com":   auth.Bearer("t0ken"),
		"https://files.example.com": auth.Digest("ada", "open sesame"),
	})
	get(credentials, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "another server gets %q", r.Header.Get("Authorization"))
	})
	// Output: another server gets ""
}

func ExampleNetrc() {
	netrc, err := auth.ParseNetrc(strings.NewReader(`
machine 127.0.0.1 login ada password "open sesame"
machine files.example.com login ada password x`))
	if err != nil {
		fmt.Println(err)
		return
	}
	get(netrc, shows)
	// Output: Basic YWRhOm9wZW4gc2VzYW1l
}

func ExampleAWS4() {
	get(auth.AWS4{AccessKey: "AKIDEXAMPLE", SecretKey: "secret", Region: "us-east-1", Service: "execute-api"},
		func(w http.ResponseWriter, r *http.Request) {
			_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
			names, _, _ := strings.Cut(signed, ",")
			fmt.Fprint(w, names, " at ", len(r.Header.Get("X-Amz-Date")), " characters")
		})
	// Output: host;x-amz-date at 16 characters
}

// A scheme that is not here: the hash of a challenge and a secret.
func ExampleFunc() {
	get(auth.Func(func(_ context.Context, a *sonde.AuthRequest) error {
		for _, c := range a.Challenges {
			if c.Scheme == "hmac" && a.Refused == 1 {
				h := hmac.New(sha256.New, []byte("secret"))
				h.Write([]byte(c.Param("nonce")))
				a.Set("Authorization", "HMAC "+hex.EncodeToString(h.Sum(nil)[:8]))
			}
		}
		return nil
	}), asks(`HMAC nonce="7"`))
	// Output: HMAC 074d7db5790cd48f
}
