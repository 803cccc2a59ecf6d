package sfv

// byteSet says for each byte whether it belongs to a class of characters.
type byteSet [256]bool

func (set *byteSet) has(c byte) bool { return set[c] }

const (
	digits  = "0123456789"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters = lower + upper
)

var (
	digitBytes = setOf(digits)
	// RFC 9651, section 4.2.3.3: how a key begins, and how it goes on.
	keyStart = setOf(lower + "*")
	keyBytes = setOf(lower + digits + "_-.*")
	// RFC 9651, section 4.2.6: the same for a token, whose other characters are
	// the tchar of RFC 9110, section 5.6.2, and ":" and "/".
	tokenStart = setOf(letters + "*")
	tokenBytes = setOf(letters + digits + "!#$%&'*+-.^_`|~" + ":/")
	// RFC 9651, section 4.2.7, without the padding.
	base64Bytes = setOf(letters + digits + "+/")
)

func setOf(chars string) byteSet {
	var set byteSet
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return set
}

// printable reports whether c is VCHAR or SP, the only bytes that strings and
// display strings carry as they are (RFC 9651, sections 4.2.5 and 4.2.10).
func printable(c byte) bool { return ' ' <= c && c <= '~' }
