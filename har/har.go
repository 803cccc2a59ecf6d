// Package har records calls as HAR 1.2, the HTTP Archive format that the
// developer tools of browsers open.
//
// What lives here: the Recorder, a middleware, and the format. What does not:
// anything that changes what is sent.
package har

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"sync"

	"sonde"
)

// Config says what a Recorder keeps. The zero Config works.
type Config struct {
	// RequestBodies and ResponseBodies keep bodies, of which no secret is
	// removed. What is no UTF-8 is kept in base64.
	RequestBodies  bool
	ResponseBodies bool

	// MaxBody is how many bytes of one body are kept. 0: 256 KiB.
	MaxBody int

	// MaxEntries is how many entries are kept, the newest ones. 0: 10,000.
	MaxEntries int

	// Secrets keeps the values of Authorization, Cookie, Set-Cookie and the others that
	// are trace.Sensitive, and credentials in URLs of fields, which are redacted
	// otherwise. Credentials of a request's own URL are never kept. Queries always are,
	// whatever keys they hold.
	Secrets bool
}

// Recorder keeps what calls did. Its Middleware method is a sonde.Middleware. It
// is safe for concurrent use.
type Recorder struct {
	cfg Config

	mu      sync.Mutex
	entries []*entry // in the order in which the calls ended
	lost    int
}

// New returns a Recorder.
func New(cfg Config) *Recorder {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 256 << 10
	}
	if cfg.MaxEntries <= 0 {
		cfg.MaxEntries = 10_000
	}
	return &Recorder{cfg: cfg}
}

func (r *Recorder) add(all []*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, all...)
	if over := len(r.entries) - r.cfg.MaxEntries; over > 0 {
		r.lost += over
		r.entries = append(r.entries[:0], r.entries[over:]...)
	}
}

// Len returns how many entries there are: calls that have ended, and each
// response on their way that another request followed.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// Lost returns how many entries had to make room for newer ones.
func (r *Recorder) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// Reset forgets everything.
func (r *Recorder) Reset() {
	r.mu.Lock()
	r.entries, r.lost = nil, 0
	r.mu.Unlock()
}

// WriteTo writes the archive of the calls that have ended, which remain.
func (r *Recorder) WriteTo(w io.Writer) (int64, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(r.archive()); err != nil {
		return 0, err
	}
	return out.WriteTo(w)
}

// WriteFile writes the archive into a file, which only its owner may read.
func (r *Recorder) WriteFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = r.WriteTo(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (r *Recorder) archive() archive {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := archive{Log: log{Version: "1.2", Creator: creator{"sonde", sonde.Version}, Entries: []*entry{}}}
	a.Log.Entries = append(a.Log.Entries, r.entries...)
	return a
}
