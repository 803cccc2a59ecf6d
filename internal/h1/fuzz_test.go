package h1_test

import (
	"bytes"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

// FuzzParseHead reads a head whole and in two pieces: the answers must be the
// same, and what was read must read the same when it is written again.
func FuzzParseHead(f *testing.F) {
	f.Add(benchHead(20), 30)
	f.Add([]byte("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\nrest"), 20)
	f.Add([]byte("HTTP/1.0 404\nA:\n\n"), 13)
	f.Add([]byte("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		lim := h1.Limits{Head: 4096, Fields: 20}
		var whole, split message.Head
		n, _, err := h1.ParseHead(bytes.Clone(in), 0, &whole, lim)
		if n > len(in) || n > lim.Head || err != nil && n != 0 {
			t.Fatal(n, err)
		}
		cut = min(max(cut, 0), len(in))
		buf := bytes.Clone(in)
		n2, next, err2 := h1.ParseHead(buf[:cut:cut], 0, &split, lim)
		if n2 == 0 && err2 == nil {
			if next != cut {
				t.Fatalf("next %d of %d", next, cut)
			}
			n2, _, err2 = h1.ParseHead(buf, next, &split, lim)
		}
		if err != nil && n2 == 0 && err2 == nil {
			return // in one piece an error is seen before the head's end, in several at it
		}
		// A piece may be enough to see an error, with a shorter excerpt.
		if n != n2 || (err == nil) != (err2 == nil) {
			t.Fatalf("whole: %d, %v; in two pieces: %d, %v", n, err, n2, err2)
		}
		if n == 0 {
			return
		}
		if whole.Fields.Lines() != split.Fields.Lines() || whole.Reason != split.Reason || whole.Status != split.Status {
			t.Fatalf("%+v, %+v", whole, split)
		}
		again := []byte("HTTP/1.1 200 " + whole.Reason + "\r\n" + whole.Fields.Lines() + "\r\n")
		var third message.Head
		if n, _, err := h1.ParseHead(again, 0, &third, h1.Limits{}); n != len(again) || err != nil ||
			third.Fields.Lines() != whole.Fields.Lines() || third.Reason != whole.Reason {
			t.Fatalf("%q: %d, %v", again, n, err)
		}
		framing, err := h1.ResponseFraming("GET", &whole)
		if err == nil {
			h1.KeepAlive(&whole, framing)
		}
	})
}

// FuzzChunked decodes in pieces of two sizes: the answers must be the same.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{
		"5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\nX: y\r\n\r\nrest", "0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n", "5\nhello", "ffffffffffffffff\r\n",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		step = min(max(step, 1), len(in)+1)
		var a, b h1.Chunked
		a.Reset(200, 10)
		b.Reset(200, 10)
		dataA, usedA, errA := dechunk(&a, in, len(in)+1)
		dataB, usedB, errB := dechunk(&b, in, step)
		if (errA == nil) != (errB == nil) || a.Done != b.Done || !bytes.Equal(dataA, dataB) {
			t.Fatalf("whole: %q, %v; in pieces: %q, %v", dataA, errA, dataB, errB)
		}
		if errA == nil && (usedA != usedB || a.Trailer().Lines() != b.Trailer().Lines()) {
			t.Fatalf("%d and %d, %q and %q", usedA, usedB, a.Trailer().Lines(), b.Trailer().Lines())
		}
		if !a.Done {
			return
		}
		var again []byte
		if len(dataA) > 0 {
			again = append(h1.AppendChunkSize(nil, int64(len(dataA))), dataA...)
			again = append(again, "\r\n"...)
		}
		again = h1.AppendLastChunk(again, a.Trailer())
		b.Reset(0, 0)
		if data, used, err := dechunk(&b, again, step); err != nil || used != len(again) || !bytes.Equal(data, dataA) ||
			b.Trailer().Lines() != a.Trailer().Lines() {
			t.Fatalf("%q: %q, %d, %v", again, data, used, err)
		}
	})
}
