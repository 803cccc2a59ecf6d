package sonde

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// canned is a body as a connection gives it, a few bytes at a time.
type canned struct {
	message.Stream
	data  []byte
	piece int
	err   error // instead of io.EOF
	done  bool
	got   int64
}

func (c *canned) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), c.piece)], c.data)
	c.data = c.data[n:]
	c.got += int64(n)
	switch {
	case len(c.data) > 0:
		return n, nil
	case c.err != nil:
		return n, c.err
	}
	c.done = true
	return n, io.EOF
}

func (c *canned) Done() bool              { return c.done }
func (c *canned) Left() int64             { return int64(len(c.data)) }
func (c *canned) Whole() ([]byte, bool)   { return nil, false }
func (c *canned) Trailer() message.Fields { return message.Fields{} }
func (c *canned) Received() int64         { return c.got }
func (c *canned) Finish(end trace.Reason) (trace.Reason, time.Duration) {
	return end, 0
}

// decoded is what a body with those codings is decoded to.
func decoded(t testing.TB, body *canned, encoding string) ([]byte, error) {
	t.Helper()
	c := &Client{codings: (&Config{}).decoders()}
	k := &call{client: c, req: &Request{method: GET}, plan: &plan{decodes: true, decoded: 32 << 20, ratio: 1 << 40}, stream: body}
	k.head.Status = 200
	if err := k.head.Fields.Add("Content-Encoding", encoding); err != nil {
		t.Fatal(err)
	}
	k.receive()
	out, err := readAll(k.stream, nil, 0)
	if err == nil && !body.done {
		t.Error("the body is decoded, but was not read to its end")
	}
	k.stream.Finish(trace.NoReason)
	return out, err
}

func pack(t testing.TB, c Coding, data []byte) []byte {
	t.Helper()
	out, err := encoded(c, data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bare is data as deflate without zlib's frame.
func bare(data []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

var verse = []byte(strings.Repeat("a line of text that is not always the same: one, two, three. ", 20))

// byLibrary is what the standard library makes of a body, which must be all of it.
func byLibrary(encoding string, data []byte) ([]byte, error) {
	src := bytes.NewReader(data)
	var r io.Reader
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(src)
	case "zlib":
		r, err = zlib.NewReader(src)
	default:
		r = flate.NewReader(src)
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(r)
	if err == nil && src.Len() > 0 {
		err = errBehind
	}
	return out, err
}

// TestDecodeTruncated: a body that ends anywhere but at its coding's end is an error,
// in pieces of any size.
func TestDecodeTruncated(t *testing.T) {
	for name, enc := range map[string][]byte{
		"gzip": pack(t, Gzip(), verse), "deflate": pack(t, Deflate(), verse), "deflate, gzip": pack(t, Gzip(), bare(verse)),
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			for n := 1; n <= len(enc); n++ {
				got, err := decoded(t, &canned{data: enc[:n], piece: piece}, name)
				f, _ := err.(*fault.Fault)
				switch {
				case n == len(enc):
					if err != nil || !bytes.Equal(got, verse) {
						t.Errorf("%s: %d bytes, %v", name, len(got), err)
					}
				case f == nil || f.Op != fault.Decode || !errors.Is(err, io.ErrUnexpectedEOF):
					t.Errorf("%s: %d of %d bytes: %v", name, n, len(enc), err)
				case !bytes.HasPrefix(verse, got):
					t.Errorf("%s: %d of %d bytes: wrong ones came out", name, n, len(enc))
				}
			}
		}
	}
}

// TestDecodeCorrupt: a byte that is wrong is noticed where the standard library
// notices it.
func TestDecodeCorrupt(t *testing.T) {
	for name, enc := range map[string][]byte{
		"gzip": pack(t, Gzip(), verse), "zlib": pack(t, Deflate(), verse), "bare": bare(verse),
	} {
		wrong := 0
		for i := range enc {
			for _, bit := range []byte{1, 0x10, 0x80} {
				bad := bytes.Clone(enc)
				bad[i] ^= bit
				if compareDecoding(t, name, bad) {
					wrong++
				}
			}
		}
		if wrong < len(enc) {
			t.Errorf("%s: only %d of %d were errors", name, wrong, 3*len(enc))
		}
	}
}

// compareDecoding compares with the standard library, and reports whether both see
// an error.
func compareDecoding(t testing.TB, name string, data []byte) bool {
	t.Helper()
	encoding := name
	if name != "gzip" {
		encoding = "deflate"
		name = "bare"
		if len(data) > 1 && data[0]&0x0f == 8 && data[0]>>4 <= 7 && (int(data[0])<<8|int(data[1]))%31 == 0 {
			name = "zlib"
		}
	}
	want, werr := byLibrary(name, data)
	got, err := decoded(t, &canned{data: data, piece: 11}, encoding)
	if (err == nil) != (werr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Errorf("%s %x: %d bytes, %v; the library: %d bytes, %v", name, data, len(got), err, len(want), werr)
	}
	return err != nil
}

// TestDecodeBehind: a byte behind the coding's end is an error, whatever it is.
func TestDecodeBehind(t *testing.T) {
	for name, enc := range map[string][]byte{
		"gzip": pack(t, Gzip(), verse), "zlib": pack(t, Deflate(), verse), "bare": bare(verse),
	} {
		for _, more := range []string{"\x00", "x", "\x1f\x8b"} {
			if !compareDecoding(t, name, append(bytes.Clone(enc), more...)) {
				t.Errorf("%s and %q: no error", name, more)
			}
		}
	}
}

// TestDecodeBroken: what the connection says comes up as it is, behind what came
// before it.
func TestDecodeBroken(t *testing.T) {
	broken := fault.New(fault.Read, errors.New("broken"))
	for _, name := range []string{"gzip", "gzip, gzip"} {
		enc := pack(t, Gzip(), verse)
		if name != "gzip" {
			enc = pack(t, Gzip(), enc)
		}
		for n := range len(enc) + 1 {
			_, err := decoded(t, &canned{data: enc[:n], piece: 5, err: broken}, name)
			if err != error(broken) {
				t.Errorf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
}

// FuzzDecode compares with the standard library.
func FuzzDecode(f *testing.F) {
	two := append(pack(f, Gzip(), []byte("one")), pack(f, Gzip(), []byte("two"))...)
	for _, enc := range [][]byte{pack(f, Gzip(), verse), pack(f, Deflate(), verse), bare(verse), two, append(two, 0), {}} {
		f.Add(enc, true)
		f.Add(enc, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, gz bool) {
		if len(data) == 0 || len(data) > 20<<10 { // as many decoded bytes as the limit has room for
			return
		}
		name := "deflate"
		if gz {
			name = "gzip"
		}
		compareDecoding(t, name, data)
	})
}
