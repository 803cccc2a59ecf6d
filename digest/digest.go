// Package digest is digest fields (RFC 9530): Content-Digest and Repr-Digest of
// responses checked while they are read, and of requests made.
//
// Both are of encoded content (RFC 9530 §2, §3), so that sonde checks what came
// before it decodes it. The algorithms are the two that RFC 9530 §5 has as active;
// those that it calls insecure are passed over, as if they were not there.
package digest

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"

	"sonde"
	"sonde/sfv"
)

// Algorithm is a hash algorithm, by its key in digest fields.
type Algorithm string

// The algorithms.
const (
	SHA256 Algorithm = "sha-256"
	SHA512 Algorithm = "sha-512"
)

// New returns the algorithm's hash; nil if it is none of those here.
func (a Algorithm) New() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	}
	return nil
}

// The names of the fields.
const (
	ContentField = "Content-Digest" // of the content of a message, as it is sent
	ReprField    = "Repr-Digest"    // of the whole representation, of which a 206 has a part
)

var (
	// ErrMismatch is in the chain of the error of a body that is not what its digest
	// says; the error is a *sonde.Error of phase decode.
	ErrMismatch = errors.New("the digest is another one")
	// ErrMissing is in the chain of the error of a response without the digest that
	// WithRequired wants.
	ErrMissing = errors.New("there is no digest that could be checked")
)

// Digest is one digest.
type Digest struct {
	Algorithm Algorithm
	Sum       []byte
}

// Parse reads the lines of a field. What
// cannot be read counts as absent (RFC 9651 §4.2), as do other algorithms.
func Parse(lines ...string) []Digest {
	dict, err := sfv.ParseDictionary(lines...)
	if err != nil {
		return nil
	}
	var all []Digest
	for _, e := range dict {
		item, _ := e.Member.(sfv.Item)
		sum, ok := item.Value.([]byte)
		if h := Algorithm(e.Key).New(); ok && h != nil && len(sum) == h.Size() {
			all = append(all, Digest{Algorithm(e.Key), sum})
		}
	}
	return all
}

// Field is the value of a digest field for data; with no algorithm, by SHA256.
func Field(data []byte, algorithms ...Algorithm) (string, error) {
	t, err := newTally(algorithms)
	if err != nil {
		return "", err
	}
	t.Write(data)
	return t.field()
}

// tally is the hashes of what is written to it.
type tally struct {
	algorithms []Algorithm
	hashes     []hash.Hash
}

func newTally(algorithms []Algorithm) (*tally, error) {
	if len(algorithms) == 0 {
		algorithms = []Algorithm{SHA256}
	}
	t := &tally{}
	for _, a := range algorithms {
		h := a.New()
		if h == nil {
			return nil, fmt.Errorf("digest: algorithm %q is not known", string(a))
		}
		t.algorithms, t.hashes = append(t.algorithms, a), append(t.hashes, h)
	}
	return t, nil
}

// Write never fails.
func (t *tally) Write(p []byte) (int, error) {
	for _, h := range t.hashes {
		h.Write(p)
	}
	return len(p), nil
}

func (t *tally) field() (string, error) {
	var dict sfv.Dictionary
	for i, h := range t.hashes {
		dict = append(dict, sfv.Entry{Key: string(t.algorithms[i]), Member: sfv.Item{Value: h.Sum(nil)}})
	}
	value, err := sfv.AppendDictionary(nil, dict)
	return string(value), err
}

// differs is the first of all that the tally contradicts, with its own sum. One
// that it has no hash for is not looked at.
func (t *tally) differs(all []Digest) error {
	for _, d := range all {
		for i, a := range t.algorithms {
			if sum := t.hashes[i].Sum(nil); a == d.Algorithm && !bytes.Equal(sum, d.Sum) {
				return fmt.Errorf("%w: %s should be %x, is %x", ErrMismatch, a, d.Sum, sum)
			}
		}
	}
	return nil
}

// WithBody sends b with its Content-Digest; with no algorithm, by SHA256. A body that
// can be read more than once is read here for that, once. Of any other the digest
// follows as a trailer field (RFC 9530 §6.5), which not every server takes.
func WithBody(b sonde.Body, algorithms ...Algorithm) sonde.Option {
	t, err := newTally(algorithms)
	if err != nil {
		return failing(err)
	}
	if !b.Replays() {
		b = b.Tap(func() io.Writer { return t })
		return sonde.Join(sonde.WithBody(b), sonde.WithTrailer(func() (h sonde.Header, err error) {
			value, err := t.field()
			if err == nil {
				err = h.Add(ContentField, value)
			}
			return h, err
		}, ContentField))
	}
	r, _, err := b.Open()
	if err != nil {
		return failing(err)
	}
	defer r.Close()
	if _, err := io.Copy(t, r); err != nil {
		return failing(err)
	}
	value, err := t.field()
	if err != nil {
		return failing(err)
	}
	return sonde.Join(sonde.WithBody(b), sonde.WithHeader(ContentField, value))
}

// failing makes err what the call returns.
func failing(err error) sonde.Option {
	return sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) { return nil, err }))
}

// WithCheck asks for a digest (RFC 9530 §4) and checks those that the response has,
// in its head or its trailer section. Where one is wrong, the body ends with
// ErrMismatch instead of io.EOF: what was read before must not be used.
//
// Repr-Digest is not looked at in a 206, which has only a part.
func WithCheck() sonde.Option { return withCheck(false) }

// WithRequired is WithCheck, and has the body end with ErrMissing if there was no
// digest to check.
func WithRequired() sonde.Option { return withCheck(true) }

// wanted prefers the algorithm that most servers have.
const wanted = "sha-256=5, sha-512=3"

func withCheck(required bool) sonde.Option {
	return sonde.Join(
		sonde.WithHeader("Want-"+ContentField, wanted),
		sonde.WithHeader("Want-"+ReprField, wanted),
		sonde.WithContentCheck(func(h *sonde.Head) sonde.ContentCheck {
			c := &check{required: required, part: h.Status == sonde.StatusPartialContent}
			c.take(h.Header)
			var algorithms []Algorithm
			for _, d := range c.want {
				algorithms = append(algorithms, d.Algorithm)
			}
			if later := h.Header.HasToken("Trailer", ContentField) || h.Header.HasToken("Trailer", ReprField); later {
				algorithms = []Algorithm{SHA256, SHA512} // whichever it will be
			}
			if len(algorithms) > 0 {
				c.tally, _ = newTally(algorithms) // Parse gave none that is not known
			}
			return c
		}))
}

// check is the check of one response.
type check struct {
	*tally   // nil: there is nothing to hash
	want     []Digest
	required bool
	part     bool // the content is a part of the representation
}

// take adds the digests of a head or trailer section.
func (c *check) take(h sonde.Header) {
	c.want = append(c.want, Parse(h.Values(ContentField)...)...)
	if !c.part {
		c.want = append(c.want, Parse(h.Values(ReprField)...)...)
	}
}

// Write hashes p.
func (c *check) Write(p []byte) (int, error) {
	if c.tally == nil {
		return len(p), nil
	}
	return c.tally.Write(p)
}

// End compares.
func (c *check) End(trailer sonde.Header) error {
	c.take(trailer)
	switch {
	case c.tally != nil && len(c.want) > 0:
		return c.differs(c.want)
	case c.required:
		return fmt.Errorf("%s, %s: %w", ContentField, ReprField, ErrMissing)
	}
	return nil
}
