package sonde

import (
	"bytes"
	"compress/zlib"
	hash "hash/adler32"
	"io"
	"testing"
)

// TestAdler32: the sum is the library's, in pieces of any size.
func TestAdler32(t *testing.T) {
	data := bytes.Repeat([]byte{0xff, 0xfe, 0, 1, 0xff, 0xff, 0xff}, 20_000)
	for _, n := range []int{0, 1, 5551, 5552, 5553, 65521, len(data)} {
		for _, piece := range []int{1, 1000, 5552, len(data)} {
			sum := uint32(1)
			for at := 0; at < n; at += piece {
				sum = adler32(sum, data[at:min(at+piece, n)])
			}
			if want := hash.Checksum(data[:n]); sum != want {
				t.Errorf("%d bytes by %d: %08x, want %08x", n, piece, sum, want)
			}
		}
	}
}

// TestDeflateEnd: what a reader of zlib said at its end it says again, and it needs no
// dictionary that it cannot have.
func TestDeflateEnd(t *testing.T) {
	enc := pack(t, Deflate(), verse)
	broken := bytes.Clone(enc)
	broken[len(broken)-1] ^= 1
	for _, tt := range []struct {
		enc  []byte
		want error
	}{{enc, nil}, {broken, zlib.ErrChecksum}, {enc[:len(enc)-1], io.ErrUnexpectedEOF}, {enc[:len(enc)-4], io.ErrUnexpectedEOF}} {
		r, err := Deflate().NewReader(bytes.NewReader(tt.enc))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != tt.want || !bytes.Equal(got, verse) {
			t.Errorf("%d bytes, %v; want %v", len(got), err, tt.want)
		}
		if tt.want == nil {
			tt.want = io.EOF
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != tt.want {
			t.Errorf("again: %d, %v; want %v", n, err, tt.want)
		}
		r.Close()
	}
	var withDict bytes.Buffer
	w, err := zlib.NewWriterLevelDict(&withDict, zlib.BestSpeed, []byte("a line of text"))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(verse)
	w.Close()
	if _, err := Deflate().NewReader(&withDict); err != zlib.ErrDictionary {
		t.Error(err)
	}
}
