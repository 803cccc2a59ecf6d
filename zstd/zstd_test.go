package zstd_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	lib "github.com/klauspost/compress/zstd"

	"sonde/zstd"
)

// sample is text with some noise in it.
func sample(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString("line of a log with a number ")
		b.WriteByte(byte('a' + r.IntN(26)))
		b.WriteByte('\n')
	}
	return b.Bytes()[:n]
}

func encode(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.Coding{}.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func decode(data []byte) ([]byte, error) {
	r, err := zstd.Coding{}.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// TestRoundTrip: what was encoded is decoded, also as two frames, of which RFC 8878
// §3 allows any number.
func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 300 << 10} {
		want := sample(n)
		enc := encode(t, want)
		if got, err := decode(enc); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d, %v", n, len(got), err)
		}
		if got, err := decode(append(bytes.Clone(enc), enc...)); err != nil || len(got) != 2*n {
			t.Errorf("%d bytes twice: %d, %v", n, len(got), err)
		}
	}
}

// TestTruncated: a stream that is cut anywhere is an error.
func TestTruncated(t *testing.T) {
	enc := encode(t, sample(2000))
	for n := 1; n < len(enc); n++ {
		if _, err := decode(enc[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %v", n, len(enc), err)
		}
	}
}

// TestWindow: a frame that asks for much memory gets none.
func TestWindow(t *testing.T) {
	var out bytes.Buffer
	w, err := lib.NewWriter(&out, lib.WithWindowSize(64<<20), lib.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 9<<20))
	w.Close()
	if _, err := decode(out.Bytes()); !errors.Is(err, lib.ErrWindowSizeExceeded) {
		t.Error(err)
	}
}

// TestBlocksCome: a block is there as soon as it came, whatever room Read has.
func TestBlocksCome(t *testing.T) {
	pr, pw := io.Pipe()
	defer pr.Close()
	w, err := zstd.Coding{}.NewWriter(pw)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		w.Write([]byte("first"))
		w.(interface{ Flush() error }).Flush()
	}()
	r, err := zstd.Coding{}.NewReader(pr)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1<<20)
	n, err := r.Read(p)
	if string(p[:n]) != "first" || err != nil {
		t.Errorf("%q, %v", p[:n], err)
	}
	<-sent
	r.Close()
	if _, err := r.Read(p); err == nil {
		t.Error("a closed reader reads")
	}
	r.Close()
}

// TestLevels: every level is one that the writer has.
func TestLevels(t *testing.T) {
	for _, level := range []int{-1, 0, 1, 9, 22, 100} {
		var out bytes.Buffer
		w, err := zstd.Coding{Level: level}.NewWriter(&out)
		if err != nil {
			t.Fatal(level, err)
		}
		io.Copy(w, strings.NewReader("some text"))
		w.Close()
		if got, err := decode(out.Bytes()); string(got) != "some text" || err != nil {
			t.Errorf("level %d: %q, %v", level, got, err)
		}
	}
}
