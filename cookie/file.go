package cookie

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sonde/internal/replace"
)

// Format is a format of cookie files.
type Format uint8

// The formats of cookie files.
const (
	// Netscape is the format of Netscape's cookies.txt as curl writes it. It has
	// no place for SameSite, for times of creation and use, or for a tab in a
	// name or value: a cookie with one is left out.
	Netscape Format = iota
	// JSON has everything.
	JSON
)

// maxFile bounds what is read: it is room for 3,000 cookies of the largest size,
// as JSON.
const maxFile = 64 << 20

// LineError says what is wrong with a line of a cookie file.
type LineError struct {
	Line int // counted from 1
	Err  error
}

// Error names the line; it shows nothing of what is in it.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Encode writes the cookies that have not expired, session cookies included: call
// EndSession after Decode where the session does not go on.
func (j *Jar) Encode(w io.Writer, f Format) error {
	b := bufio.NewWriter(w)
	var err error
	switch f {
	case Netscape:
		writeNetscape(b, j.sorted())
	case JSON:
		err = writeJSON(b, j.sorted())
	default:
		err = fmt.Errorf("cookie: format %d is not known", f)
	}
	return errors.Join(err, b.Flush())
}

// Decode adds the cookies of a file in either format. Those that have expired, or
// that the rules of RFC 6265bis refuse, are passed over; what cannot be read is a
// *LineError, and then nothing is added.
func (j *Jar) Decode(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("more than %d bytes", maxFile)
	}
	now := j.cfg.Now()
	read := j.readNetscape
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		read = readJSON
	}
	cookies, err := read(data, now)
	if err != nil {
		return err
	}
	for _, c := range cookies {
		if c, err := j.admit(c, now); err == nil {
			site := j.siteOf(c.Domain)
			j.insert(site, c, true, now)
			j.trim(site, now)
		}
	}
	return nil
}

// Load adds the cookies of the file at path; see Decode. That there is no such
// file is an fs.ErrNotExist.
func (j *Jar) Load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := j.Decode(f); err != nil {
		return &fs.PathError{Op: "load cookies", Path: path, Err: err}
	}
	return nil
}

// Save writes the file at path, which only its owner can read; see Encode. It is
// there as a whole or as it was before: a new file takes its place.
func (j *Jar) Save(path string, f Format) error {
	if err := replace.File(path, func(w io.Writer) error { return j.Encode(w, f) }); err != nil {
		return fmt.Errorf("cookie: %w", err)
	}
	return nil
}
