package auth

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"sonde"
	"sonde/internal/message"
)

// Digest proves to know a user's password without sending it (RFC 7616): with
// MD5, SHA-256 or SHA-512-256, as a session (-sess) or not, and with the strongest
// that is offered. It waits for a challenge; after that it answers in advance
// where the same protection space begins, with the server's nonce counted up, and
// anew when the server says that the nonce is stale. A body is hashed too if the
// server takes nothing else than qop "auth-int", which needs one that can be read
// more than once. What is refused twice is not tried again.
//
// A domain that names other origins has no say there. Name and password are used
// as the UTF-8 that they are, unnormalized.
func Digest(user, password string) sonde.Authenticator {
	d := &digest{user: user, password: password, spaces: map[string][]*space{}, random: randomHex}
	if d.err = checkText("user's name", user); d.err == nil {
		d.err = checkText("password", password)
	}
	return d
}

type digest struct {
	user, password string
	err            error
	random         func() string // a cnonce; of tests their own

	mu     sync.Mutex
	spaces map[string][]*space // by origin
}

// space is a protection space (RFC 7616 §3.3), with the challenge that holds there.
type space struct {
	realm, opaque, nonce string
	algorithm            string // as the server writes it, "" if it does not
	hash                 func() hash.Hash
	session              bool
	qop                  string // "auth", "auth-int", or "": as RFC 2069 had it
	userhash             bool
	prefixes             []string // of paths; none: all of the origin

	used   uint32 // how often the nonce was
	key    string // H(A1) of a session, which lasts
	cnonce string // with which it was made
}

// maxSpaces bounds what is remembered of one origin.
const maxSpaces = 16

// Authenticate answers a challenge, or in advance.
func (d *digest) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if d.err != nil {
		return d.err
	}
	if s, ok := d.turn(a); ok {
		return d.answer(a, &s)
	}
	return nil
}

// turn is what this request is to be answered with: a space, as it is for it.
func (d *digest) turn(a *sonde.AuthRequest) (space, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.Refused == 0 {
		s := d.covering(a)
		if s == nil {
			return space{}, false
		}
		return d.count(s), true
	}
	c, s := strongest(a)
	if c == nil {
		return space{}, false
	}
	if d.refused(a, c) {
		d.forget(a, s.realm)
		return space{}, false
	}
	d.learn(a, s)
	return d.count(s), true
}

// count is s for one more request. d.mu is held.
func (d *digest) count(s *space) space {
	s.used++
	if s.session && s.key == "" {
		// RFC 7616 §3.4.2: made once, of the first request's nonce and cnonce. The
		// cnonce stays, for servers that take it from each request.
		s.cnonce = d.random()
		s.key = s.sum(s.sum(d.user+":"+s.realm+":"+d.password) + ":" + s.nonce + ":" + s.cnonce)
	}
	now := *s
	if !s.session {
		now.cnonce = d.random()
		now.key = s.sum(d.user + ":" + s.realm + ":" + d.password)
	}
	return now
}

// refused reports whether the server has seen an answer to a challenge of its own
// and did not take it. What was sent in advance does not count: a server that
// forgot its nonces may not say that they are stale.
func (d *digest) refused(a *sonde.AuthRequest, c *sonde.Challenge) bool {
	_, sent := message.CutScheme(a.Sent.Get(field(a)), "digest")
	// RFC 7616 §3.3: stale says that the credentials were right.
	return sent && a.Refused > 1 && !strings.EqualFold(c.Param("stale"), "true")
}

// Answered takes the nonce that a response has for the next request
// (RFC 7616 §3.5).
func (d *digest) Answered(a *sonde.AuthRequest, h *sonde.Head) {
	name := "Authentication-Info"
	if a.Proxy {
		name = "Proxy-Authentication-Info"
	}
	if !h.Header.Has(name) {
		return
	}
	next, found := message.Param(h.Header.Combined(name), "nextnonce")
	if !found || next == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.covering(a); s != nil && s.nonce != next {
		s.nonce, s.used = next, 0
	}
}

// answer sets the field.
func (d *digest) answer(a *sonde.AuthRequest, s *space) error {
	response, err := d.response(a, s)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("Digest " + d.name(s))
	quoted := func(name, value string) { b.WriteString(", " + name + "=" + quote(value)) }
	quoted("realm", s.realm)
	quoted("nonce", s.nonce)
	quoted("uri", a.Target)
	quoted("response", response)
	if s.algorithm != "" {
		b.WriteString(", algorithm=" + s.algorithm)
	}
	if s.qop != "" || s.session {
		quoted("cnonce", s.cnonce)
	}
	if s.opaque != "" {
		quoted("opaque", s.opaque)
	}
	// RFC 7616 §3.4: these are not quoted.
	if s.qop != "" {
		fmt.Fprintf(&b, ", qop=%s, nc=%08x", s.qop, s.used)
	}
	if s.userhash {
		b.WriteString(", userhash=true")
	}
	a.Set(field(a), b.String())
	return nil
}

// name is the parameter that says who the user is.
func (d *digest) name(s *space) string {
	if s.userhash {
		return "username=" + quote(s.sum(d.user+":"+s.realm))
	}
	for i := range len(d.user) {
		if d.user[i] >= 0x80 {
			// RFC 7616 §3.4: what a quoted-string cannot hold goes as RFC 5987 has it.
			return "username*=UTF-8''" + extValue(d.user)
		}
	}
	return "username=" + quote(d.user)
}

// response is what proves it (RFC 7616 §3.4.1).
func (d *digest) response(a *sonde.AuthRequest, s *space) (string, error) {
	a2 := string(a.Method) + ":" + a.Target
	if s.qop == "auth-int" {
		body, err := s.body(a)
		if err != nil {
			return "", err
		}
		a2 += ":" + body
	}
	if s.qop == "" {
		return s.sum(s.key + ":" + s.nonce + ":" + s.sum(a2)), nil
	}
	return s.sum(fmt.Sprintf("%s:%s:%08x:%s:%s:%s", s.key, s.nonce, s.used, s.cnonce, s.qop, s.sum(a2))), nil
}

func (s *space) sum(text string) string {
	h := s.hash()
	io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil))
}

// body is the hash of the content.
func (s *space) body(a *sonde.AuthRequest) (string, error) {
	h := s.hash()
	if err := readBody(h, a.Body); err != nil {
		return "", fmt.Errorf("auth: digest: reading the body for qop auth-int: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// readBody writes a body to w.
func readBody(w io.Writer, b sonde.Body) error {
	if !b.Replays() {
		return errors.New("it can be read only once")
	}
	r, _, err := b.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, r.Close())
}

func randomHex() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// quote is s as a quoted-string (RFC 9110 §5.6.4).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// extValue is s as the value-chars of RFC 8187 §3.2.1.
func extValue(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if alnum || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// algorithm is a hash by its name in challenges.
type algorithm struct {
	name string
	hash func() hash.Hash
}

// algorithms are those that are known, the strongest last.
var algorithms = []algorithm{
	{"MD5", md5.New}, {"SHA-256", sha256.New}, {"SHA-512-256", sha512.New512_256},
}
