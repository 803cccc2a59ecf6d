package sonde

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"sonde/internal/message"
)

// Part is one part of a Multipart body.
type Part struct {
	Name     string // of the form's field; not empty
	FileName string // "" is a field, not a file
	Header   Header // further fields of the part; Content-Type replaces the Body's
	Body     Body
}

// Multipart is a form as multipart/form-data (RFC 7578), streamed: no part is
// read into memory. Its length is sent where that of every part is known, once
// they are open; otherwise it goes chunked. It can be sent again if every part
// can.
func Multipart(parts ...Part) Body {
	boundary := "sonde-" + rand.Text()
	b := Body{size: int64(len(boundary) + len("--") + len("--\r\n")), again: true}
	b.mediaType = "multipart/form-data; boundary=" + boundary
	heads := make([][]byte, len(parts))
	for i := range parts {
		p := &parts[i]
		head, err := p.head(boundary, i == 0)
		if err != nil && b.err == nil {
			b.err = fmt.Errorf("multipart: part %d: %w", i+1, err)
		}
		heads[i] = head
		b.again = b.again && p.Body.replays()
		b.single = b.single || p.Body.single
		if n, known := p.Body.length(); known && b.size >= 0 {
			b.size += int64(len(head)) + n
		} else {
			b.size = -1
		}
	}
	end := "\r\n--" + boundary + "--\r\n"
	if len(parts) == 0 {
		end = end[len("\r\n"):]
	} else if b.size >= 0 {
		b.size += int64(len("\r\n"))
	}
	own := append([]Part(nil), parts...)
	b.open = func() (io.ReadCloser, int64, error) { return openParts(own, heads, end) }
	b.discard = func() {
		for i := range own {
			own[i].Body.drop()
		}
	}
	return b
}

// head is what stands before the part's body: the delimiter and the part's fields.
func (p *Part) head(boundary string, first bool) ([]byte, error) {
	switch {
	case p.Name == "":
		return nil, errors.New("it has no name")
	case p.Body.err != nil:
		return nil, p.Body.err
	case p.Body.coding != "":
		return nil, errors.New("its body is compressed: a part has no Content-Encoding, compress the whole Multipart")
	case p.Header.Has("Content-Disposition"):
		return nil, errors.New("Content-Disposition is made of Name and FileName")
	}
	var b bytes.Buffer
	if !first {
		b.WriteString("\r\n")
	}
	// RFC 7578 §4.2: every part has a disposition with the field's name.
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quoteName(p.Name))
	mediaType := p.Body.mediaType
	if p.FileName != "" {
		fmt.Fprintf(&b, "; filename=\"%s\"", quoteName(p.FileName))
		if mediaType == "" {
			mediaType = "application/octet-stream"
		}
	}
	b.WriteString("\r\n")
	if mediaType != "" && !p.Header.Has("Content-Type") {
		if err := message.CheckField("Content-Type", mediaType); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "Content-Type: %s\r\n", mediaType)
	}
	b.WriteString(p.Header.f.Lines())
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// quoteName escapes what would end the quotes or the line, as browsers do
// (RFC 7578 §2 leaves it to the form's own standard).
func quoteName(s string) string {
	return strings.NewReplacer("\"", "%22", "\r", "%0D", "\n", "%0A").Replace(s)
}

// multipart is the parts under way.
type multipart struct {
	io.Reader
	open []io.Closer
}

// Close closes all parts.
func (m *multipart) Close() error {
	for _, c := range m.open {
		c.Close()
	}
	return nil
}

// openParts opens every part. The length is -1 if that of one is not known.
func openParts(parts []Part, heads [][]byte, end string) (io.ReadCloser, int64, error) {
	m, readers, size := &multipart{}, []io.Reader{}, int64(len(end))
	for i := range parts {
		rc, n, err := parts[i].Body.reader()
		if err != nil {
			m.Close()
			for _, rest := range parts[i+1:] {
				rest.Body.drop()
			}
			return nil, 0, fmt.Errorf("multipart: part %q: %w", parts[i].Name, err)
		}
		m.open = append(m.open, rc)
		readers = append(readers, bytes.NewReader(heads[i]))
		if n < 0 {
			size = -1
		} else {
			// A part that gives other than it declared would move all that
			// follows.
			rc = &exactly{rc, n, n, parts[i].Name}
			if size >= 0 {
				size += int64(len(heads[i])) + n
			}
		}
		readers = append(readers, rc)
	}
	m.Reader = io.MultiReader(append(readers, strings.NewReader(end))...)
	return m, size, nil
}

// reader opens a body of any kind.
func (b *Body) reader() (io.ReadCloser, int64, error) {
	if b.open == nil {
		return io.NopCloser(bytes.NewReader(b.data)), int64(len(b.data)), nil
	}
	return b.open()
}

// exactly is a reader that must give just so many bytes.
type exactly struct {
	io.ReadCloser
	size, left int64
	name       string
}

// Read reads.
func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		return 0, fmt.Errorf("multipart: part %q is longer than the %d bytes declared", e.name, e.size)
	case err == io.EOF && e.left > 0:
		return n, fmt.Errorf("multipart: part %q ended after %d of %d bytes: %w", e.name, e.size-e.left, e.size, io.ErrUnexpectedEOF)
	}
	return n, err
}
