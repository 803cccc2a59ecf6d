package har

import (
	"encoding/base64"
	"strconv"
	"sync"
	"unicode/utf8"
)

// kept is the first bytes of a body, and how many there were.
type kept struct {
	most int

	mu   sync.Mutex // an upload may go on after its call
	data []byte
	size int64
}

// Write keeps what fits.
func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.size += int64(len(p))
	k.data = append(k.data, p[:min(len(p), k.most-len(k.data))]...)
	return len(p), nil
}

func (k *kept) reset() {
	k.mu.Lock()
	k.data, k.size = k.data[:0], 0
	k.mu.Unlock()
}

// text is what was kept as text, or in base64 where it is no UTF-8, and a
// comment where it is not all.
func (k *kept) text() (text, encoding, comment string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data := k.data
	if k.size > int64(len(data)) {
		comment = "the first " + strconv.Itoa(len(data)) + " of " + strconv.FormatInt(k.size, 10) + " bytes"
		data = wholeRunes(data)
	}
	if utf8.Valid(data) {
		return string(data), "", comment
	}
	return base64.StdEncoding.EncodeToString(k.data), "base64", comment
}

// wholeRunes is data without a rune that was cut off at its end.
func wholeRunes(data []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(data); i++ {
		if tail := data[len(data)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return data[:len(data)-i]
			}
			break
		}
	}
	return data
}
