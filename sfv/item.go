package sfv

import "fmt"

// Item is a value with its parameters (RFC 9651, section 3.3). The zero Item has
// no value: it stands for "not there" and cannot be serialized.
type Item struct {
	Value  Value
	Params Params
}

func (Item) member() {}

// ParseItem parses the field lines of a field that is defined as an item (RFC
// 9651, section 4.2.3). No lines, or empty ones, are an error, because an item
// cannot be empty. The error is a *ParseError.
func ParseItem(lines ...string) (Item, error) {
	return parse(lines, (*scanner).parseItem)
}

// AppendItem appends the field value of an item to dst (RFC 9651, section
// 4.1.3). A value that has no serialization is an error; AppendItem then returns
// dst as it was.
func AppendItem(dst []byte, item Item) ([]byte, error) {
	out, err := appendItem(dst, item)
	if err != nil {
		return dst, fmt.Errorf("sfv: %w", err)
	}
	return out, nil
}

func (s *scanner) parseItem() (Item, error) {
	// RFC 9651, section 4.2.3.
	value, err := s.parseValue()
	if err != nil {
		return Item{}, err
	}
	params, err := s.parseParams()
	if err != nil {
		return Item{}, err
	}
	return Item{Value: value, Params: params}, nil
}

func appendItem(dst []byte, item Item) ([]byte, error) {
	// RFC 9651, section 4.1.3.
	dst, err := appendValue(dst, item.Value)
	if err != nil {
		return nil, err
	}
	return appendParams(dst, item.Params)
}
