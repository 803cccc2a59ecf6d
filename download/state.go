package download

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"sonde"
)

// saveEvery is how many bytes may be lost when the program is killed.
const saveEvery = 8 << 20

// state is what FILE.part.json keeps: which representation the bytes are of, and
// which are missing.
type state struct {
	URL      string  `json:"url"`
	ETag     string  `json:"etag,omitempty"`
	Modified string  `json:"last_modified,omitempty"` // if it is a strong validator
	Encoding string  `json:"content_encoding,omitempty"`
	Digest   string  `json:"repr_digest,omitempty"`
	Size     int64   `json:"size"`    // -1: not known
	Missing  []*span `json:"missing"` // in order; nil: nothing is known yet
}

// span is bytes from From to To, without that one; To is -1 if the end is not known.
type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (s *span) done() bool { return s.To >= 0 && s.From >= s.To }

// describe takes what the head of a response says of the representation.
func (s *state) describe(h *sonde.Head) {
	s.ETag, s.Modified = h.Header.Get("ETag"), ""
	s.Encoding, s.Digest = h.Header.Get("Content-Encoding"), strings.Join(h.Header.Values("Repr-Digest"), ", ")
	// RFC 9110 §13.1.5: a date only where there is no entity tag, and §8.8.2.2: only
	// if it was made a second or more after the last change.
	modified, err := h.Header.Time("Last-Modified")
	date, derr := h.Header.Time("Date")
	if s.ETag == "" && err == nil && derr == nil && date.Sub(modified) >= time.Second {
		s.Modified = h.Header.Get("Last-Modified")
	}
}

// validator is what If-Range says, "" if there is no strong one.
func (s *state) validator() string {
	if s.ETag != "" {
		if strings.HasPrefix(s.ETag, "W/") {
			return ""
		}
		return s.ETag
	}
	return s.Modified
}

func (s *state) strong() bool { return s.validator() != "" }

// differs reports whether a response is of another representation.
func (s *state) differs(h *sonde.Head) bool {
	now := state{ETag: h.Header.Get("ETag"), Modified: h.Header.Get("Last-Modified"), Encoding: h.Header.Get("Content-Encoding")}
	// RFC 9110 §15.3.7: the answer to If-Range needs not say it again.
	unsaid := now.Encoding == "" && h.Status == sonde.StatusPartialContent
	switch {
	case now.Encoding != s.Encoding && !unsaid:
		return true
	case s.ETag != "":
		return now.ETag != "" && now.ETag != s.ETag
	}
	return now.Modified != "" && now.Modified != s.Modified
}

// drop takes out the spans of which nothing is missing.
func (s *state) drop() {
	s.Missing = slices.DeleteFunc(s.Missing, (*span).done)
}

// split makes n spans of what is missing, where they have least bytes.
func (s *state) split(n int, least int64) {
	for len(s.Missing) < n {
		longest := slices.MaxFunc(s.Missing, func(a, b *span) int { return int(min(max(a.left()-b.left(), -1), 1)) })
		if longest.left() < 2*least {
			return
		}
		middle := longest.From + longest.left()/2
		i := slices.Index(s.Missing, longest)
		s.Missing = slices.Insert(s.Missing, i+1, &span{middle, longest.To})
		longest.To = middle
	}
}

// left is how many bytes are missing; 0 if nobody knows.
func (s *span) left() int64 { return max(s.To-s.From, 0) }

// name is the URL as files have it: without credentials.
func (d *download) name() string { return sonde.NewRequest(sonde.GET, d.url).URL() }

// reset forgets all that came.
func (d *download) reset() {
	d.state = state{URL: d.name(), Size: -1}
	d.have, d.saved, d.result.Resumed = 0, 0, 0
}

// leave keeps what came for the next call, if it can be gone on with.
func (d *download) leave() error {
	if d.state.strong() && d.have > 0 {
		return d.save()
	}
	d.file.Close()
	return d.remove()
}

// load takes what an earlier download has left, if it can be gone on with.
func (d *download) load() {
	text, err := os.ReadFile(d.path + ".part.json")
	if err != nil {
		return
	}
	var s state
	info, err := d.file.Stat()
	if json.Unmarshal(text, &s) != nil || err != nil || s.URL != d.name() || !s.strong() || !s.fits(info.Size()) {
		return
	}
	if d.state = s; s.Size >= 0 {
		d.have = s.Size
	}
	for _, m := range s.Missing {
		if m.To < 0 {
			d.have = m.From
		} else {
			d.have -= m.left()
		}
	}
	d.saved = d.have
}

// fits reports whether s can be the state of a file with so many bytes.
func (s *state) fits(length int64) bool {
	at, end := int64(0), int64(0) // of the last span, and of the last bytes that came
	for i, m := range s.Missing {
		open := m != nil && m.To < 0 // only the last one, where nobody knows the size
		switch {
		case m == nil || m.From < at || open && (s.Size >= 0 || i < len(s.Missing)-1) || !open && (m.To <= m.From || m.To > s.Size):
			return false
		case m.From > at:
			end = m.From
		}
		at = m.To
	}
	if at < s.Size {
		end = s.Size
	}
	return len(s.Missing) > 0 && end <= length
}

// save keeps the state.
func (d *download) save() error {
	text, err := json.Marshal(&d.state)
	if err != nil {
		return err
	}
	d.saved = d.have
	temp := d.path + ".part.json.tmp"
	if err := os.WriteFile(temp, append(text, '\n'), 0o666); err != nil {
		return err
	}
	return os.Rename(temp, d.path+".part.json")
}

// remove removes all but the file itself.
func (d *download) remove() error {
	return errors.Join(removed(d.path+".part"), removed(d.path+".part.json"))
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
