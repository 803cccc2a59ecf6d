package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"sonde"
)

// Netrc is what a .netrc file says: which name and password are for which machine.
// It is an Authenticator that sends them as Basic, to a machine's every port, as
// curl does. After a redirect they go to the other machine only if the file names
// it and the way there is https; the file's default is for the machine that the
// caller named.
type Netrc struct {
	// Exposed says that the file holds passwords and that others than its owner may
	// read it: its mode should be 0600.
	Exposed bool

	logins []login
	with   func(user, password string) sonde.Authenticator

	mu   sync.Mutex
	made map[int]sonde.Authenticator // of logins
}

// login is an entry of the file.
type login struct {
	machine        string // in lower case; "" is the default
	user, password string
}

// maxNetrc bounds the size of a file.
const maxNetrc = 16 << 20

// ReadNetrc reads a file. path "" is $NETRC, or .netrc (on Windows also _netrc) in
// the home directory. No error shows what is in it.
func ReadNetrc(path string) (*Netrc, error) {
	if path == "" {
		var err error
		if path, err = netrcPath(); err != nil {
			return nil, fmt.Errorf("auth: netrc: %w", err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("auth: netrc: %w", err)
	}
	defer f.Close()
	n, err := ParseNetrc(f)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, path)
	}
	if info, err := f.Stat(); err == nil && runtime.GOOS != "windows" {
		n.Exposed = info.Mode().Perm()&0o077 != 0 && n.hasPassword()
	}
	return n, nil
}

func netrcPath() (string, error) {
	if path := os.Getenv("NETRC"); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(home, ".netrc")
	if _, err := os.Stat(path); err != nil && runtime.GOOS == "windows" {
		return filepath.Join(home, "_netrc"), nil
	}
	return path, nil
}

func (n *Netrc) hasPassword() bool {
	for _, l := range n.logins {
		if l.password != "" {
			return true
		}
	}
	return false
}

// ParseNetrc reads what a file says: machine, default, login, password, account,
// macdef, and comments that begin with "#". A value may be quoted: within quotes
// \n, \r and \t are control characters, and \ before any other is that character.
func ParseNetrc(r io.Reader) (*Netrc, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxNetrc+1))
	if err != nil {
		return nil, fmt.Errorf("auth: netrc: %w", err)
	}
	if len(text) > maxNetrc {
		return nil, fmt.Errorf("auth: netrc: over %d bytes", maxNetrc)
	}
	s := &netrcScanner{text: text, line: 1}
	n := &Netrc{with: Basic, made: map[int]sonde.Authenticator{}}
	if err := n.parse(s); err != nil {
		return nil, fmt.Errorf("auth: netrc: line %d: %w", s.line, err)
	}
	return n, nil
}

func (n *Netrc) parse(s *netrcScanner) error {
	for {
		word, ok, err := s.next()
		if !ok || err != nil {
			return err
		}
		word = strings.ToLower(word)
		if word == "default" {
			n.logins = append(n.logins, login{})
			continue
		}
		var last *login
		if len(n.logins) > 0 {
			last = &n.logins[len(n.logins)-1]
		}
		switch word {
		case "machine", "login", "password", "account", "macdef":
		default: // perhaps a password with a space: it is not shown
			return errors.New("none of machine, default, login, password, account and macdef")
		}
		value, ok, err := s.next()
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("%s without a value", word)
		case word == "machine" && value == "":
			return errors.New("a machine without a name")
		case word == "machine":
			n.logins = append(n.logins, login{machine: strings.ToLower(value)})
		case word == "macdef":
			s.skipMacro()
		case last == nil:
			return fmt.Errorf("%s before the first machine", word)
		case word == "login":
			last.user = value
		case word == "password":
			last.password = value
		}
	}
}

// netrcScanner cuts the text into words.
type netrcScanner struct {
	text []byte
	line int
}

// next is the next word, ok false at the end.
func (s *netrcScanner) next() (word string, ok bool, err error) {
	for len(s.text) > 0 {
		switch c := s.text[0]; {
		case c == '\n':
			s.line++
			fallthrough
		case c <= ' ':
			s.text = s.text[1:]
		case c == '#':
			s.cutLine()
		case c == '"':
			word, err = s.quoted()
			return word, true, err
		default:
			end := bytes.IndexFunc(s.text, func(r rune) bool { return r <= ' ' })
			if end < 0 {
				end = len(s.text)
			}
			word, s.text = string(s.text[:end]), s.text[end:]
			return word, true, nil
		}
	}
	return "", false, nil
}

// quoted is the word in quotes that the text begins with.
func (s *netrcScanner) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.text = s.text[i+1:]
			return b.String(), nil
		case c == '\n':
			return "", errors.New("a quote that is not closed")
		case c == '\\' && i+1 < len(s.text):
			i++
			switch c = s.text[i]; c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a quote that is not closed")
}

// cutLine passes over the rest of the line, and returns it.
func (s *netrcScanner) cutLine() (line []byte) {
	line, s.text, _ = bytes.Cut(s.text, []byte("\n"))
	s.line++
	return line
}

// skipMacro passes over a macro: all lines to the next empty one.
func (s *netrcScanner) skipMacro() {
	s.cutLine()
	for len(s.text) > 0 && len(bytes.TrimSpace(s.cutLine())) > 0 {
	}
}

// Login returns the name and password for a host, those of the default if it is
// not named. Of several entries for a host the first counts.
func (n *Netrc) Login(host string) (user, password string, ok bool) {
	if i := n.find(host, true); i >= 0 {
		return n.logins[i].user, n.logins[i].password, true
	}
	return "", "", false
}

func (n *Netrc) find(host string, orDefault bool) int {
	host = strings.ToLower(host)
	byDefault := -1
	for i, l := range n.logins {
		switch {
		case l.machine == host && host != "":
			return i
		case l.machine == "" && byDefault < 0 && orDefault:
			byDefault = i
		}
	}
	return byDefault
}

// With returns the same file with another way to send what it says, such as
// Digest.
func (n *Netrc) With(scheme func(user, password string) sonde.Authenticator) *Netrc {
	return &Netrc{Exposed: n.Exposed, logins: n.logins, with: scheme, made: map[int]sonde.Authenticator{}}
}

// Authenticate asks the Authenticator of the machine's login.
func (n *Netrc) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	if x := n.of(a.URL); x != nil {
		return x.Authenticate(ctx, a)
	}
	return nil
}

// of is the Authenticator for u, nil if there is none. Each login has one: it may
// remember something.
func (n *Netrc) of(u *url.URL) sonde.Authenticator {
	i := n.find(u.Hostname(), true)
	if i < 0 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.made[i] == nil {
		n.made[i] = n.with(n.logins[i].user, n.logins[i].password)
	}
	return n.made[i]
}

// Covers reports whether the file names u's machine, and u is https.
func (n *Netrc) Covers(u *url.URL) bool {
	return u.Scheme == "https" && n.find(u.Hostname(), false) >= 0
}

// Answered passes it on.
func (n *Netrc) Answered(a *sonde.AuthRequest, h *sonde.Head) { tell(n.of(a.URL), a, h) }
