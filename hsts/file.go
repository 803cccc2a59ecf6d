package hsts

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"sonde/internal/replace"
)

// The format is that of curl's --hsts: a line per host, its name, after a dot if
// its subdomains are meant too, and when it expires, in quotes, in UTC.

const (
	fileHead  = "# Your HSTS cache. https://curl.se/docs/hsts.html\n# Written by sonde.\n"
	fileTime  = "20060102 15:04:05"
	unlimited = "unlimited"
)

// maxFile bounds what is read.
const maxFile = 16 << 20

// LineError says what is wrong with a line of a file.
type LineError struct {
	Line int // counted from 1
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Encode writes the hosts that were learned and have not expired.
func (s *Store) Encode(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(fileHead)
	for h := range s.All() {
		if h.Preloaded {
			continue
		}
		dot := ""
		if h.Subdomains {
			dot = "."
		}
		fmt.Fprintf(b, "%s%s \"%s\"\n", dot, h.Name, h.Expires.UTC().Format(fileTime))
	}
	return b.Flush()
}

// Decode adds the hosts of a file that have not expired. What cannot be read is a
// *LineError, and then nothing is added.
func (s *Store) Decode(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("more than %d bytes", maxFile)
	}
	now := s.now()
	var hosts []Host
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		h, err := readLine(line, now)
		if err != nil {
			return &LineError{n, err}
		}
		hosts = append(hosts, h)
	}
	for _, h := range hosts {
		s.set(h)
	}
	return nil
}

func readLine(line string, now time.Time) (Host, error) {
	name, rest, _ := strings.Cut(line, " ")
	host, subdomains := strings.CutPrefix(name, ".")
	if host = canonical(host); host == "" {
		return Host{}, errors.New("no host with a name")
	}
	rest = strings.TrimSpace(rest)
	when := strings.TrimSuffix(strings.TrimPrefix(rest, `"`), `"`)
	if len(when) != len(rest)-2 {
		return Host{}, errors.New("no time in quotes behind the host")
	}
	h := Host{Name: host, Subdomains: subdomains, Expires: now.Add(longest)}
	if when == unlimited {
		return h, nil
	}
	t, err := time.Parse(fileTime, when)
	if err != nil {
		return Host{}, errors.New("the time is not as in 20060102 15:04:05")
	}
	if t.Before(h.Expires) {
		h.Expires = t
	}
	return h, nil
}

// Load adds the hosts of the file at path; see Decode. That there is no such file is
// an fs.ErrNotExist.
func (s *Store) Load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.Decode(f); err != nil {
		return &fs.PathError{Op: "load HSTS hosts", Path: path, Err: err}
	}
	return nil
}

// Save writes the file at path, which only its owner can read; see Encode. It is
// there as a whole or as it was before.
func (s *Store) Save(path string) error {
	if err := replace.File(path, s.Encode); err != nil {
		return fmt.Errorf("hsts: %w", err)
	}
	return nil
}
