package message

import (
	"bytes"
	"syscall"
	"testing"
)

// TestScanAtEnd: text that ends where memory does is read to its end and no further:
// the page behind it ends the program that touches it.
func TestScanAtEnd(t *testing.T) {
	page := syscall.Getpagesize()
	b, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(b)
	for _, at := range []int{0, 2} {
		if err := syscall.Mprotect(b[at*page:(at+1)*page], syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	mine := b[page : 2*page : 2*page]
	line := []byte("Some-Name: and a value\r\n")
	for n := range 700 {
		for _, at := range []int{0, page - n} { // as far in front as there is memory, and behind
			for spare := range 70 {
				if at+n+spare > page {
					break
				}
				text := mine[at : at+n : at+n+spare]
				copy(text, bytes.Repeat(line, n/len(line)+1))
				var s scan
				s.begin(text, 0)
				for i := 0; i < n; i = s.end(i) + 1 {
				}
				s.begin(text, 0)
				for i := 0; i < n; i = s.nameEnd(i) + 1 {
				}
				var f Fields
				f.ParseOpen(text, 0, 100)
			}
		}
	}
}
