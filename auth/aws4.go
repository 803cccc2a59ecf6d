package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sonde"
)

// AWS4 signs requests as Amazon's services want it (Signature Version 4, in the
// Authorization field). It signs host, Content-Type, Content-MD5, the X-Amz- fields
// and those of Sign, and sets X-Amz-Date, for S3 X-Amz-Content-Sha256, and with a
// session token X-Amz-Security-Token. Each attempt is signed anew.
//
// Keys that change need a Func that makes an AWS4 of the current ones. A
// signature is for one host: to keep the keys from others use ForOrigin, or
// nothing, since a redirect to another origin goes unsigned.
type AWS4 struct {
	AccessKey    string
	SecretKey    string
	SessionToken string // of temporary keys; "" for others

	// Region and Service are as in "us-east-1" and "execute-api". "" is what the
	// host says: service.region.amazonaws.com, or service.amazonaws.com, which is
	// in us-east-1.
	Region, Service string

	// Unsigned leaves the body out of the signature. It is for bodies that can be
	// read only once, and for services that take it: S3, over https.
	Unsigned bool

	// Sign names further fields to sign.
	Sign []string

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

const (
	amzDate    = "20060102T150405Z"
	algorithm4 = "AWS4-HMAC-SHA256"
	unsigned   = "UNSIGNED-PAYLOAD"
)

// Authenticate signs the request. It has no answer to a refusal.
func (s AWS4) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if a.Refused > 0 || a.Proxy {
		return nil
	}
	if err := s.complete(a.URL.Hostname()); err != nil {
		return err
	}
	hash, err := s.bodyHash(a)
	if err != nil {
		return err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	date := now().UTC().Format(amzDate)
	a.Set("X-Amz-Date", date)
	if s.SessionToken != "" {
		a.Set("X-Amz-Security-Token", s.SessionToken)
	}
	if s.Unsigned || s.Service == "s3" {
		a.Set("X-Amz-Content-Sha256", hash)
	}
	fields, err := s.fields(a)
	if err != nil {
		return err
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f[0]
	}
	signed := strings.Join(names, ";")
	scope := strings.Join([]string{date[:8], s.Region, s.Service, "aws4_request"}, "/")
	toSign := strings.Join([]string{algorithm4, date, scope, sum256(s.canonical(a, fields, signed, hash))}, "\n")
	a.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm4, s.AccessKey, scope, signed, hex.EncodeToString(mac(s.key(date[:8]), toSign))))
	return nil
}

// complete fills in what the host says, and checks.
func (s *AWS4) complete(host string) error {
	if name, found := strings.CutSuffix(strings.ToLower(host), ".amazonaws.com"); found {
		service, region, regional := cutHost(name)
		if s.Service == "" {
			s.Service = service
		}
		if s.Region == "" {
			if s.Region = "us-east-1"; regional {
				s.Region = region
			}
		}
	}
	switch {
	case s.AccessKey == "" || s.SecretKey == "":
		return errors.New("auth: AWS4 needs AccessKey and SecretKey")
	case s.Region == "" || s.Service == "":
		return fmt.Errorf("auth: AWS4 needs Region and Service: the host %s does not say them", host)
	}
	return checkText("access key", s.AccessKey)
}

// cutHost reads service.region, or service, each with anything before it, as S3
// has a bucket's name there.
func cutHost(name string) (service, region string, regional bool) {
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	if len(labels) == 1 || strings.Count(last, "-") < 2 { // a region is like us-east-1
		return last, "", false
	}
	return labels[len(labels)-2], last, true
}

// bodyHash is what is signed of the body. A field set by hand is believed.
func (s *AWS4) bodyHash(a *sonde.AuthRequest) (string, error) {
	if by := a.Header.Get("X-Amz-Content-Sha256"); by != "" && !s.Unsigned {
		return by, nil
	}
	if s.Unsigned {
		return unsigned, nil
	}
	h := sha256.New()
	if err := readBody(h, a.Body); err != nil {
		return "", fmt.Errorf("auth: AWS4: hashing the body: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fields are those that are signed, by name, in order.
func (s *AWS4) fields(a *sonde.AuthRequest) ([][2]string, error) {
	set, err := a.Fields()
	if err != nil {
		return nil, err
	}
	values := map[string][]string{"host": {a.Host}}
	collect := func(h sonde.Header, but sonde.Header) {
		for name, value := range h.All() {
			if n := strings.ToLower(name); !but.Has(name) && n != "host" && s.signs(n) {
				values[n] = append(values[n], squeeze(value))
			}
		}
	}
	collect(a.Header, set)
	collect(set, sonde.Header{})
	var out [][2]string
	for name, v := range values {
		out = append(out, [2]string{name, strings.Join(v, ",")})
	}
	slices.SortFunc(out, func(x, y [2]string) int { return strings.Compare(x[0], y[0]) })
	return out, nil
}

func (s *AWS4) signs(name string) bool {
	return strings.HasPrefix(name, "x-amz-") || name == "content-type" || name == "content-md5" ||
		slices.ContainsFunc(s.Sign, func(n string) bool { return strings.EqualFold(n, name) })
}

// squeeze makes one space of several.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// canonical is the request in the form that is signed.
func (s *AWS4) canonical(a *sonde.AuthRequest, fields [][2]string, signed, hash string) string {
	path, query, _ := strings.Cut(a.Target, "?")
	var b strings.Builder
	b.WriteString(string(a.Method) + "\n" + s.path(path) + "\n" + canonicalQuery(query) + "\n")
	for _, f := range fields {
		b.WriteString(f[0] + ":" + f[1] + "\n")
	}
	b.WriteString("\n" + signed + "\n" + hash)
	return b.String()
}

// path is the path in that form. S3 takes it as it is meant; the others normalize
// it and escape what is escaped once more.
func (s *AWS4) path(path string) string {
	if s.Service == "s3" {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		return escape(path, "/")
	}
	var out []string
	segments := strings.Split(path, "/")
	for _, seg := range segments {
		switch seg {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, seg)
		}
	}
	normal := "/" + strings.Join(out, "/")
	if last := segments[len(segments)-1]; len(out) > 0 && (last == "" || last == "." || last == "..") {
		normal += "/"
	}
	return escape(normal, "/")
}

// canonicalQuery sorts the parameters by name, then by value, as they are escaped.
// A "+" is a space, as in forms.
func canonicalQuery(query string) string {
	var params [][2]string
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, [2]string{again(name), again(value)})
	}
	slices.SortFunc(params, func(x, y [2]string) int {
		if c := strings.Compare(x[0], y[0]); c != 0 {
			return c
		}
		return strings.Compare(x[1], y[1])
	})
	var out []string
	for _, p := range params {
		out = append(out, p[0]+"="+p[1])
	}
	return strings.Join(out, "&")
}

// again is s with the escapes that Amazon wants.
func again(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	return escape(s, "")
}

// escape writes all bytes but the unreserved ones (RFC 3986 §2.3) and those of
// also as %XX.
func escape(s, also string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if alnum || strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(also, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// key is derived of the secret, for one day, region and service.
func (s *AWS4) key(day string) []byte {
	k := []byte("AWS4" + s.SecretKey)
	for _, part := range []string{day, s.Region, s.Service, "aws4_request"} {
		k = mac(k, part)
	}
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum256(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}
