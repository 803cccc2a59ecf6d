package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"sonde"
)

// transferFlags are the flags that say where a body goes on that an earlier run has
// left, and how that shows.
type transferFlags struct {
	resume string
	bar    bool

	offset int64 // where resuming begins; 0: at the beginning
}

func (t *transferFlags) addTo(f *pflag.FlagSet) {
	f.StringVarP(&t.resume, "continue-at", "C", "", "go on at `OFFSET`, - for where the file of -o ends")
	f.BoolVarP(&t.bar, "progress-bar", "#", false, "show progress as a bar")
}

// apply is req with what the flags add. What -H says stays.
func (t *transferFlags) apply(req *sonde.Request, out *output) (*sonde.Request, error) {
	var opts []sonde.Option
	add := func(name, value string) {
		if !req.Header().Has(name) {
			opts = append(opts, sonde.WithHeader(name, value))
		}
	}
	if t.resume != "" {
		if err := t.findOffset(req, out); err != nil {
			return nil, err
		}
		if out.adding = true; t.offset > 0 {
			add("Range", fmt.Sprintf("bytes=%d-", t.offset))
		}
	}
	if out.bar = t.bar; opts == nil {
		return req, nil
	}
	req = req.With(opts...)
	if err := req.Err(); err != nil {
		return nil, &usageError{err}
	}
	return req, nil
}

// findOffset finds where to go on.
func (t *transferFlags) findOffset(req *sonde.Request, out *output) (err error) {
	switch {
	case !req.Body().Empty():
		return &usageError{errors.New("-C: only a download can be gone on with")}
	case t.resume != "-":
		if t.offset, err = strconv.ParseInt(t.resume, 10, 64); err != nil || t.offset < 0 {
			return &usageError{fmt.Errorf("-C: %q is no offset", t.resume)}
		}
		return nil
	case !out.toFile():
		return &usageError{errors.New("-C -: it needs the file of -o")}
	}
	info, err := os.Stat(out.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &outputError{err}
	}
	t.offset = info.Size()
	return nil
}

// rangeError says that the server has not done as it was asked.
type rangeError struct{ text string }

func (e *rangeError) Error() string { return e.text }

// accept looks at the response to a request that resumes. complete: there is nothing
// to come.
func (t *transferFlags) accept(h *sonde.Head) (complete bool, err error) {
	if t.offset == 0 {
		return false, nil
	}
	where := h.Header.Get("Content-Range")
	switch {
	case h.Status == sonde.StatusPartialContent:
		// RFC 9110 §14.4: what comes is what this says, not what was asked for.
		if !strings.HasPrefix(where, fmt.Sprintf("bytes %d-", t.offset)) {
			return false, &rangeError{fmt.Sprintf("asked for the bytes from %d on, got %q", t.offset, where)}
		}
	case h.Status == sonde.StatusRangeNotSatisfiable:
		if where != fmt.Sprintf("bytes */%d", t.offset) {
			return false, &rangeError{fmt.Sprintf("nothing begins at %d: %q", t.offset, where)}
		}
		return true, nil
	case h.Status == sonde.StatusOK && h.Header.Is("Content-Length", strconv.FormatInt(t.offset, 10)):
		return true, nil // as curl has it
	default:
		return false, &rangeError{fmt.Sprintf("the server does not go on at %d: it answers %v", t.offset, h.Status)}
	}
	return false, nil
}

// bar is a line of so many columns for done of total bytes.
func bar(done, total int64, columns int) string {
	if total <= 0 {
		return size(done)
	}
	part := float64(done) / float64(total)
	room := max(columns-8, 10)
	filled := int(part * float64(room))
	return fmt.Sprintf("%s%s %5.1f%%", strings.Repeat("#", filled), strings.Repeat(" ", room-filled), part*100)
}
