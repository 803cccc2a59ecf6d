package sfv

import (
	"errors"
	"fmt"
)

// List is a list of items and inner lists (RFC 9651, section 3.1). Nil and empty
// are the same: a field that is not sent.
type List []Member

// Member is what a list or a dictionary holds: an Item or an InnerList, and
// nothing else. Tell them apart with a type switch.
type Member interface {
	member()
}

// InnerList is a list of items inside a list or dictionary, with parameters of
// its own (RFC 9651, section 3.1.1). The zero value is "()".
type InnerList struct {
	Items  []Item
	Params Params
}

func (InnerList) member() {}

// ParseList parses the field lines of a field that is defined as a list (RFC
// 9651, section 4.2.1). No lines, or a single empty one, are an empty list. The
// error is a *ParseError.
func ParseList(lines ...string) (List, error) {
	return parse(lines, (*scanner).parseList)
}

// AppendList appends the field value of a list to dst (RFC 9651, section 4.1.1).
// For an empty list it appends nothing, and the field must not be sent at all. A
// value that has no serialization is an error; AppendList then returns dst as it
// was.
func AppendList(dst []byte, list List) ([]byte, error) {
	out := dst
	var err error
	// RFC 9651, section 4.1.1.
	for i, m := range list {
		if i > 0 {
			out = append(out, ", "...)
		}
		if out, err = appendMember(out, m); err != nil {
			return dst, fmt.Errorf("sfv: member %d: %w", i, err)
		}
	}
	return out, nil
}

func (s *scanner) parseList() (List, error) {
	// RFC 9651, section 4.2.1.
	var list List
	for more := !s.done(); more; {
		m, err := s.parseMember()
		if err != nil {
			return nil, err
		}
		list = append(list, m)
		if more, err = s.nextMember(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *scanner) parseMember() (Member, error) {
	// RFC 9651, section 4.2.1.1.
	if s.peek() == '(' {
		return s.parseInnerList()
	}
	return s.parseItem()
}

func appendMember(dst []byte, m Member) ([]byte, error) {
	switch m := m.(type) {
	case Item:
		return appendItem(dst, m)
	case InnerList:
		return appendInnerList(dst, m)
	case nil:
		return nil, errors.New("member is missing")
	default:
		return nil, fmt.Errorf("type %T is neither an Item nor an InnerList", m)
	}
}

func (s *scanner) parseInnerList() (Member, error) {
	// RFC 9651, section 4.2.1.2. Only spaces separate the items, no tabs.
	s.take('(')
	var list InnerList
	for {
		s.skipSP()
		if s.take(')') {
			break
		}
		item, err := s.parseItem()
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
		if c := s.peek(); c != ' ' && c != ')' {
			return nil, s.want(`a space or ")" after an item of the inner list`)
		}
	}
	var err error
	if list.Params, err = s.parseParams(); err != nil {
		return nil, err
	}
	return list, nil
}

func appendInnerList(dst []byte, list InnerList) ([]byte, error) {
	// RFC 9651, section 4.1.1.1.
	dst = append(dst, '(')
	var err error
	for i, item := range list.Items {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if dst, err = appendItem(dst, item); err != nil {
			return nil, fmt.Errorf("inner item %d: %w", i, err)
		}
	}
	return appendParams(append(dst, ')'), list.Params)
}
