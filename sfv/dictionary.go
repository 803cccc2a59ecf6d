package sfv

import "fmt"

// Dictionary is an ordered map from keys to members (RFC 9651, section 3.2). Nil
// and empty are the same: a field that is not sent. A parsed Dictionary holds
// each key once: a repeated key keeps its first place and takes its last member.
// A Dictionary with a repeated key cannot be serialized.
type Dictionary []Entry

// Entry is one key of a dictionary and its member. A key that is written alone
// has an Item with the Value true. The zero Entry cannot be serialized.
type Entry struct {
	// Key follows the rule that Param.Key follows.
	Key    string
	Member Member
}

// Get returns the member of a key, and whether the key is there.
func (d Dictionary) Get(key string) (Member, bool) {
	for _, entry := range d {
		if entry.Key == key {
			return entry.Member, true
		}
	}
	return nil, false
}

// Item returns the item of a key, and whether the key is there with an item.
// Without one it is the zero Item, so that a type assertion on its Value fails
// as it does for a value of another type:
//
//	u, _ := dict.Item("u")
//	urgency, ok := u.Value.(int64)
func (d Dictionary) Item(key string) (Item, bool) {
	m, _ := d.Get(key)
	item, ok := m.(Item)
	return item, ok
}

// ParseDictionary parses the field lines of a field that is defined as a
// dictionary (RFC 9651, section 4.2.2). No lines, or a single empty one, are an
// empty dictionary. The error is a *ParseError.
func ParseDictionary(lines ...string) (Dictionary, error) {
	return parse(lines, (*scanner).parseDictionary)
}

// AppendDictionary appends the field value of a dictionary to dst (RFC 9651,
// section 4.1.2). For an empty dictionary it appends nothing, and the field must
// not be sent at all. A value that has no serialization is an error;
// AppendDictionary then returns dst as it was.
func AppendDictionary(dst []byte, dict Dictionary) ([]byte, error) {
	out := dst
	var err error
	var keys keyIndex
	// RFC 9651, section 4.1.2.
	for i, entry := range dict {
		if i > 0 {
			out = append(out, ", "...)
		}
		if out, err = appendEntry(out, entry, &keys); err != nil {
			return dst, fmt.Errorf("sfv: member %q: %w", entry.Key, err)
		}
	}
	return out, nil
}

func (s *scanner) parseDictionary() (Dictionary, error) {
	// RFC 9651, section 4.2.2.
	var dict Dictionary
	var keys keyIndex
	for more := !s.done(); more; {
		entry, err := s.parseEntry()
		if err != nil {
			return nil, err
		}
		if i, known := keys.place(entry.Key); known {
			dict[i] = entry
		} else {
			dict = append(dict, entry)
		}
		if more, err = s.nextMember(); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func (s *scanner) parseEntry() (Entry, error) {
	// RFC 9651, section 4.2.2, steps 2.1 to 2.3.
	key, err := s.parseKey()
	if err != nil {
		return Entry{}, err
	}
	if s.take('=') {
		m, err := s.parseMember()
		if err != nil {
			return Entry{}, err
		}
		return Entry{Key: key, Member: m}, nil
	}
	params, err := s.parseParams()
	if err != nil {
		return Entry{}, err
	}
	return Entry{Key: key, Member: Item{Value: true, Params: params}}, nil
}

func appendEntry(dst []byte, entry Entry, keys *keyIndex) ([]byte, error) {
	dst, err := appendKey(dst, entry.Key, keys)
	if err != nil {
		return nil, err
	}
	// RFC 9651, section 4.1.2, step 2.2: true is not written, its parameters are.
	if item, ok := entry.Member.(Item); ok && item.Value == true {
		return appendParams(dst, item.Params)
	}
	return appendMember(append(dst, '='), entry.Member)
}
