package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sonde"
)

// errNoRanges says that a response has all of the representation, which is the same
// as before: the server does not do ranges.
var errNoRanges = errors.New("download: the server sent the whole instead of a part")

// ask sends a request for s, nil for all of it, and gives f the response.
func (d *download) ask(ctx context.Context, s *span, f func(*sonde.Exchange) error) error {
	opts := append([]sonde.Option{}, d.o.Request...)
	// The file is the representation as the server has it, and its parts are parts
	// of that: nothing is to be encoded on the way.
	opts = append(opts, sonde.WithoutDecoding(), sonde.WithHeader("Accept-Encoding", "identity"),
		sonde.WithAccept(sonde.StatusRangeNotSatisfiable))
	if d.o.CheckDigest {
		opts = append(opts, sonde.WithHeader("Want-Repr-Digest", "sha-256=5, sha-512=3"))
	}
	if s != nil {
		value := "bytes=" + strconv.FormatInt(s.From, 10) + "-"
		if s.To >= 0 {
			value += strconv.FormatInt(s.To-1, 10)
		}
		opts = append(opts, sonde.WithHeader("Range", value))
		if v := d.state.validator(); v != "" {
			opts = append(opts, sonde.WithHeader("If-Range", v))
		}
	}
	d.mu.Lock()
	d.result.Requests++
	d.mu.Unlock()
	return d.client.Stream(ctx, sonde.NewRequest(sonde.GET, d.url, opts...), f)
}

// first sends the request that says what there is, and takes what it brings.
func (d *download) first(ctx context.Context) error {
	var s *span
	if d.o.Parts > 1 && !d.whole {
		s = &span{0, d.o.MinPart}
	}
	return d.ask(ctx, s, func(ex *sonde.Exchange) error {
		switch ex.Status {
		case sonde.StatusOK:
			return d.all(ex)
		case sonde.StatusPartialContent:
			if s == nil {
				break
			}
			r, err := contentRange(&ex.Head)
			if err != nil {
				return err
			}
			d.state.describe(&ex.Head)
			if !d.state.strong() || r.size < 0 || r.from != 0 || r.to > s.To {
				d.reset()
				d.whole = true // what comes cannot be put together
				return errNoRanges
			}
			d.state.Size = r.size
			d.state.Missing = []*span{{0, r.to}}
			if r.to < r.size {
				d.state.Missing = append(d.state.Missing, &span{r.to, r.size})
			}
			defer d.state.drop()
			return d.copy(ex, d.state.Missing[0], r.to)
		case sonde.StatusRangeNotSatisfiable: // it may be empty
			if s != nil {
				d.whole = true
				return errNoRanges
			}
		}
		return unexpected(ex)
	})
}

// all takes a response with the whole representation.
func (d *download) all(ex *sonde.Exchange) error {
	d.reset()
	d.state.describe(&ex.Head)
	d.state.Size = ex.Body.Left()
	s := &span{0, d.state.Size}
	d.state.Missing = []*span{s}
	err := d.copy(ex, s, s.To)
	d.state.drop()
	return err
}

// part gets s, or as much of it as the server gives at a time.
func (d *download) part(ctx context.Context, s *span) error {
	return d.ask(ctx, s, func(ex *sonde.Exchange) error {
		switch ex.Status {
		case sonde.StatusPartialContent:
			r, err := contentRange(&ex.Head)
			switch {
			case err != nil:
				return err
			case d.state.differs(&ex.Head), r.size >= 0 && d.state.Size >= 0 && r.size != d.state.Size:
				return ErrChanged
			case r.from != s.From || s.To >= 0 && r.to > s.To:
				return fmt.Errorf("download: asked for bytes from %d to %d, got some from %d to %d", s.From, s.To, r.from, r.to)
			}
			if s.To < 0 {
				d.know(s, r.size)
			}
			return d.copy(ex, s, r.to)
		case sonde.StatusOK:
			changed := d.state.differs(&ex.Head)
			switch {
			case d.o.Parts == 1: // it is here already
				if changed && d.result.Restarts == d.o.Restarts {
					return ErrChanged
				} else if changed {
					d.result.Restarts++
				}
				return d.all(ex)
			case changed:
				return ErrChanged
			}
			d.mu.Lock()
			d.whole = true
			d.mu.Unlock()
			return errNoRanges
		case sonde.StatusRangeNotSatisfiable:
			// RFC 9110 §15.5.17: it says how long the representation is.
			if _, size, ok := strings.Cut(ex.Header.Get("Content-Range"), "*/"); ok && s.To < 0 && size == strconv.FormatInt(s.From, 10) {
				d.know(s, s.From)
				return nil
			}
			return ErrChanged
		}
		return unexpected(ex)
	})
}

// know notes the size, of which s has the end.
func (d *download) know(s *span, size int64) {
	if size >= 0 {
		d.mu.Lock()
		d.state.Size, s.To = size, size
		d.mu.Unlock()
	}
}

func unexpected(ex *sonde.Exchange) error {
	return fmt.Errorf("download: unexpected status %v", ex.Status)
}

// copy writes the body, which ends at end (-1: not known), to where s begins.
func (d *download) copy(ex *sonde.Exchange, s *span, end int64) error {
	buf := make([]byte, 128<<10)
	for {
		n, err := ex.Body.Read(buf)
		if end >= 0 && s.From+int64(n) > end {
			return fmt.Errorf("download: the response has more bytes than its Content-Range says")
		}
		if n > 0 {
			if _, err := d.file.WriteAt(buf[:n], s.From); err != nil {
				return err
			}
			if err := d.came(s, n); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && end >= 0 && s.From < end:
			return fmt.Errorf("download: the response has fewer bytes than its Content-Range says: %w", io.ErrUnexpectedEOF)
		case err == io.EOF:
			if s.To < 0 {
				d.know(s, s.From)
			}
			return nil
		case err != nil && end >= 0 && s.From == end && passing(err):
			return nil // all that was promised came before the connection broke
		case err != nil:
			return err
		}
	}
}

// came notes n more bytes.
func (d *download) came(s *span, n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.From += int64(n)
	d.have += int64(n)
	if d.o.Progress != nil {
		d.o.Progress(d.have, d.state.Size)
	}
	if d.have-d.saved < saveEvery || !d.state.strong() {
		return nil
	}
	return d.save()
}

// window is what a Content-Range says: bytes from from to to, without that one, of
// size, -1 if that is not known.
type window struct{ from, to, size int64 }

// contentRange is the Content-Range of a 206 (RFC 9110 §14.4).
func contentRange(h *sonde.Head) (w window, err error) {
	value := h.Header.Get("Content-Range")
	rest, ok := strings.CutPrefix(value, "bytes ")
	bounds, size, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(bounds, "-")
	from, err1 := strconv.ParseUint(first, 10, 63)
	to, err2 := strconv.ParseUint(last, 10, 62)
	w = window{int64(from), int64(to) + 1, -1}
	var err3 error
	if size != "*" {
		var n uint64
		n, err3 = strconv.ParseUint(size, 10, 63)
		w.size = int64(n)
	}
	bad := err1 != nil || err2 != nil || err3 != nil || w.to <= w.from || w.size >= 0 && w.to > w.size
	if !ok || !ok2 || !ok3 || bad {
		return w, fmt.Errorf("download: a 206 with Content-Range %q", value)
	}
	return w, nil
}
