package cookie

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonFile is the file; a newer version than ours is refused.
type jsonFile struct {
	Version int          `json:"version"`
	Cookies []jsonCookie `json:"cookies"`
}

const jsonVersion = 1

// jsonCookie is a cookie in it. Times are RFC 3339.
type jsonCookie struct {
	Name     string     `json:"name"`
	Value    string     `json:"value"`
	Domain   string     `json:"domain"`
	HostOnly bool       `json:"hostOnly,omitempty"`
	Path     string     `json:"path"`
	Secure   bool       `json:"secure,omitempty"`
	HTTPOnly bool       `json:"httpOnly,omitempty"`
	SameSite string     `json:"sameSite,omitempty"`
	Created  time.Time  `json:"created"`
	Accessed time.Time  `json:"accessed"`
	Expires  *time.Time `json:"expires,omitempty"`

	// Latin1 says that each character of name, value and path stands for a byte:
	// cookies may have bytes that are no UTF-8.
	Latin1 bool `json:"latin1,omitempty"`
}

// writeJSON writes a cookie per line, in the order of their creation.
func writeJSON(w *bufio.Writer, all []*entry) error {
	slices.SortFunc(all, func(a, b *entry) int { return int(int64(a.seq) - int64(b.seq)) })
	fmt.Fprintf(w, "{\"version\": %d, \"cookies\": [", jsonVersion)
	for i, e := range all {
		line, err := json.Marshal(toJSON(e.cookie()))
		if err != nil {
			return err
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('\n')
		w.Write(line)
	}
	w.WriteString("\n]}\n")
	return nil
}

func toJSON(c Cookie) jsonCookie {
	out := jsonCookie{
		Name: c.Name, Value: c.Value, Domain: c.Domain, HostOnly: c.HostOnly, Path: c.Path, Secure: c.Secure,
		HTTPOnly: c.HTTPOnly, SameSite: c.SameSite.String(), Created: c.Created.UTC(), Accessed: c.Accessed.UTC(),
	}
	if c.Persistent() {
		t := c.Expires.UTC()
		out.Expires = &t
	}
	if !utf8.ValidString(c.Name + " " + c.Value + " " + c.Path) {
		out.Latin1 = true
		out.Name, out.Value, out.Path = toLatin1(c.Name), toLatin1(c.Value), toLatin1(c.Path)
	}
	return out
}

func toLatin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func fromLatin1(s string) (string, error) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return "", errors.New("latin1, but a character stands for no byte")
		}
		out = append(out, byte(r))
	}
	return string(out), nil
}

// readJSON reads the file; an error has the line in which it was noticed.
func readJSON(data []byte, _ time.Time) ([]Cookie, error) {
	lineAt := func(offset int64) int {
		return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
	}
	var file jsonFile
	if err := json.Unmarshal(data, &file); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, &LineError{lineAt(syntax.Offset), err}
		case errors.As(err, &kind):
			return nil, &LineError{lineAt(kind.Offset), err}
		}
		return nil, err
	}
	if file.Version != jsonVersion {
		return nil, &LineError{1, fmt.Errorf("version %d, not %d", file.Version, jsonVersion)}
	}
	out := make([]Cookie, 0, len(file.Cookies))
	for i := range file.Cookies {
		c, err := file.Cookies[i].cookie()
		if err != nil {
			return nil, fmt.Errorf("cookie %d: %w", i+1, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// cookie is the cookie that was written.
func (in *jsonCookie) cookie() (Cookie, error) {
	c := Cookie{
		Name: in.Name, Value: in.Value, Domain: in.Domain, Path: in.Path, HostOnly: in.HostOnly, Secure: in.Secure,
		HTTPOnly: in.HTTPOnly, SameSite: parseSameSite(in.SameSite), Created: in.Created, Accessed: in.Accessed,
	}
	if in.Expires != nil {
		// The zero Time would make a session cookie of one that is long gone.
		if c.Expires = *in.Expires; c.Expires.IsZero() {
			c.Expires = longAgo
		}
	}
	if !in.Latin1 {
		return c, nil
	}
	var errs [3]error
	c.Name, errs[0] = fromLatin1(c.Name)
	c.Value, errs[1] = fromLatin1(c.Value)
	c.Path, errs[2] = fromLatin1(c.Path)
	return c, errors.Join(errs[:]...)
}
