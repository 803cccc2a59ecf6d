package message

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// Basic is the value of Authorization for a user (RFC 7617). The error shows
// neither name nor password.
func Basic(user, password string) (string, error) {
	for _, part := range [...]struct{ what, text string }{{"user's name", user}, {"password", password}} {
		for i := range len(part.text) {
			switch c := part.text[i]; {
			case c == ':' && part.what != "password":
				// RFC 7617 §2: the first colon is where the password begins.
				return "", errors.New("basic authentication: a colon in the user's name")
			case c < ' ' || c == 0x7f:
				return "", fmt.Errorf("basic authentication: byte 0x%02x in the %s", c, part.what)
			}
		}
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// Bearer is the value of Authorization for a token (RFC 6750 §2.1). Characters
// that a b64token has not are taken: there are services whose tokens have a "|" or
// a ":". The error does not show the token.
func Bearer(token string) (string, error) {
	if token == "" {
		return "", errors.New("bearer authentication: the token is empty")
	}
	for i := range len(token) {
		if c := token[i]; !vchar.has(c) || c == ',' || c == '"' {
			return "", fmt.Errorf("bearer authentication: byte 0x%02x in the token", c)
		}
	}
	return "Bearer " + token, nil
}

// CutScheme returns what follows the scheme, in lower case, in the value of an
// Authorization field, and whether it is of that scheme.
func CutScheme(value, scheme string) (rest string, ok bool) {
	word, rest := cutToken(value)
	if !equalFold(word, scheme) {
		return "", false
	}
	return trimOWS(rest), true
}
