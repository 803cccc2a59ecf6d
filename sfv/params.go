package sfv

import (
	"errors"
	"fmt"
)

// Params are the parameters of an item or an inner list, in order (RFC 9651,
// section 3.1.2). Nil means none. Parsed Params hold each key once: a repeated
// key keeps its first place and takes its last value. Params with a repeated
// key cannot be serialized.
type Params []Param

// Param is one parameter. A parameter that is written as a bare key has the
// Value true. The zero Param cannot be serialized.
type Param struct {
	// Key begins with a lower-case letter or "*" and goes on with lower-case
	// letters, digits and any of _-.* only.
	Key   string
	Value Value
}

// Get returns the value of a key, and whether the key is there. Without it the
// value is nil, so that a type assertion on it fails as it does for a value of
// another type.
func (p Params) Get(key string) (Value, bool) {
	for _, param := range p {
		if param.Key == key {
			return param.Value, true
		}
	}
	return nil, false
}

func (s *scanner) parseParams() (Params, error) {
	if s.peek() != ';' {
		return nil, nil
	}
	// RFC 9651, section 4.2.3.2.
	var params Params
	var keys keyIndex
	for s.take(';') {
		s.skipSP()
		key, err := s.parseKey()
		if err != nil {
			return nil, err
		}
		param := Param{Key: key, Value: true}
		if s.take('=') {
			if param.Value, err = s.parseValue(); err != nil {
				return nil, err
			}
		}
		if i, known := keys.place(key); known {
			params[i] = param
		} else {
			params = append(params, param)
		}
	}
	return params, nil
}

func appendParams(dst []byte, params Params) ([]byte, error) {
	if len(params) == 0 {
		return dst, nil
	}
	// RFC 9651, section 4.1.1.2.
	var keys keyIndex
	for _, param := range params {
		var err error
		if dst, err = appendKey(append(dst, ';'), param.Key, &keys); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", param.Key, err)
		}
		if param.Value == true {
			continue
		}
		if dst, err = appendValue(append(dst, '='), param.Value); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", param.Key, err)
		}
	}
	return dst, nil
}

func (s *scanner) parseKey() (string, error) {
	// RFC 9651, section 4.2.3.3.
	if !keyStart.has(s.peek()) {
		return "", s.want("a key")
	}
	return s.takeWhile(&keyBytes), nil
}

// appendKey writes a key that keys does not hold yet.
func appendKey(dst []byte, key string, keys *keyIndex) ([]byte, error) {
	// RFC 9651, section 4.1.1.3.
	if key == "" {
		return nil, errors.New("key is empty")
	}
	if !keyStart.has(key[0]) {
		return nil, errors.New("key: byte 0 cannot begin a key")
	}
	for i := range len(key) {
		if !keyBytes.has(key[i]) {
			return nil, fmt.Errorf("key: byte %d cannot be in a key", i)
		}
	}
	// RFC 9651, sections 3.1.2 and 3.2: keys are unique. A receiver would drop
	// all values but the last without a word.
	if _, known := keys.place(key); known {
		return nil, errors.New("key occurs twice")
	}
	return append(dst, key...), nil
}

// keyIndex gives keys their places in an ordered map. It looks through a few
// keys one by one and moves to a Go map after that: the number of keys is the
// peer's choice and must not cost quadratic time.
type keyIndex struct {
	few  [8]string
	n    int
	many map[string]int
}

// place returns the index of a key, and whether the key was known before.
func (x *keyIndex) place(key string) (index int, known bool) {
	if x.many == nil {
		for i, k := range x.few[:x.n] {
			if k == key {
				return i, true
			}
		}
		if x.n < len(x.few) {
			x.few[x.n] = key
			x.n++
			return x.n - 1, false
		}
		x.many = make(map[string]int, 4*len(x.few))
		for i, k := range x.few {
			x.many[k] = i
		}
	}
	if i, ok := x.many[key]; ok {
		return i, true
	}
	i := len(x.many)
	x.many[key] = i
	return i, false
}
