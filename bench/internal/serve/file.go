package serve

import (
	"fmt"
	"math/rand/v2"
	"os"
)

// block is what the file of Down and Up repeats.
const block = 1 << 20

var pattern = func() []byte {
	b := make([]byte, block)
	rand.NewChaCha8([32]byte{'s', 'o', 'n', 'd', 'e'}).Read(b)
	return b
}()

// writeFile makes the file of Down and Up.
func writeFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for left := size; left > 0; left -= block {
		if _, err := f.Write(pattern[:min(left, block)]); err != nil {
			return err
		}
	}
	return f.Close()
}

// Sink is a Writer that counts the file's bytes and looks at some of them: the
// first and the last one of every Write. It has no ReadFrom that could make
// copying cheaper than it is.
type Sink struct{ N int64 }

// Write checks p.
func (s *Sink) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	last := s.N + int64(len(p)) - 1
	if p[0] != pattern[s.N%block] || p[len(p)-1] != pattern[last%block] {
		return 0, fmt.Errorf("bytes %d to %d are not those of the file", s.N, last)
	}
	s.N += int64(len(p))
	return len(p), nil
}
