package sockets

import (
	"errors"
	"fmt"
	"strings"
)

// ParseQuery reads what follows ss's options on its command line: any number of
// "state NAME" and "exclude NAME", then an expression as for ParseFilter.
// Without either, States stays zero, which asks for every one. The caller sets
// the rest of the Query.
func ParseQuery(text string) (Query, error) {
	p := newParser(text)
	states, excluded := StateSet(0), StateSet(0)
	named := false
	for p.word() == "state" || p.word() == "exclude" || p.word() == "excl" {
		keyword := p.take()
		named = true
		set, err := ParseStates(p.take())
		if err != nil {
			return Query{}, err
		}
		if keyword == "state" {
			states |= set
		} else {
			excluded |= set
		}
	}
	filter, err := p.all()
	if err != nil {
		return Query{}, err
	}
	if !named {
		return Query{Filter: filter}, nil
	}
	q := Query{States: states.orEvery() &^ excluded, Filter: filter}
	if q.States == 0 {
		return Query{}, errors.New("sockets: the filter excludes every state")
	}
	return q, nil
}

// ParseFilter reads an expression in ss's language:
//
//	sport = :80            dport >= :1024         sport != :http
//	src 10.0.0.0/8         dst [::1]:443          dst 192.0.2.1:443
//	dev = lo               not, !                 and, &&        or, ||
//
// with parentheses. Tests side by side are joined by and, which binds closer
// than or. The comparisons are = == eq, != ne neq, < lt, > gt, <= le leq, >= ge
// geq; without one, = is meant. A host of "*" is any. The empty text is the
// zero Filter. Not supported: host names, cgroup, fwmark and autobound.
func ParseFilter(text string) (Filter, error) {
	return newParser(text).all()
}

// Bounds of an expression: no person writes more, and a program that does must
// not exhaust the stack.
const (
	maxTokens = 4096
	maxNested = 100
)

// parser holds the words that are left. The first error stays.
type parser struct {
	tokens []string
	nested int
	err    error
}

func newParser(text string) *parser {
	p := &parser{tokens: tokenize(text)}
	if len(p.tokens) > maxTokens {
		p.fail("the filter is too long")
	}
	return p
}

// tokenize splits at white space and around operators.
func tokenize(text string) []string {
	var tokens []string
	for _, field := range strings.Fields(text) {
		for field != "" {
			n := tokenLength(field)
			tokens = append(tokens, field[:n])
			field = field[n:]
		}
	}
	return tokens
}

// tokenLength is the length of the token that s starts with.
func tokenLength(s string) int {
	const operators = "()!=<>&|"
	for _, two := range []string{"!=", "==", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(s, two) {
			return 2
		}
	}
	switch at := strings.IndexAny(s, operators); at {
	case -1:
		return len(s)
	case 0:
		return 1
	default:
		return at
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("sockets: filter: "+format, args...)
	}
	p.tokens = nil
}

// word is the next token, empty at the end.
func (p *parser) word() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) take() string {
	word := p.word()
	if word != "" {
		p.tokens = p.tokens[1:]
	}
	return word
}

// accept takes the next token if it is one of these.
func (p *parser) accept(words ...string) bool {
	for _, w := range words {
		if p.word() == w {
			p.take()
			return true
		}
	}
	return false
}

// all parses the whole text.
func (p *parser) all() (Filter, error) {
	var f Filter
	if p.word() != "" {
		f = p.or()
	}
	switch word := p.word(); word {
	case "":
	case "state", "exclude":
		p.fail("%q comes before the other tests", word)
	default:
		p.fail("unexpected %q", word)
	}
	if p.err != nil {
		return Filter{}, p.err
	}
	return f, nil
}

func (p *parser) or() Filter {
	f := p.and()
	for p.accept("or", "|", "||") {
		f = Or(f, p.and())
	}
	return f
}

func (p *parser) and() Filter {
	f := p.not()
	for p.err == nil {
		switch p.word() {
		case "", ")", "or", "|", "||":
			return f
		}
		p.accept("and", "&", "&&")
		f = And(f, p.not())
	}
	return f
}

func (p *parser) not() Filter {
	p.nested++
	defer func() { p.nested-- }()
	switch {
	case p.nested > maxNested:
		p.fail("nested too deep")
		return Filter{}
	case p.accept("not", "!"):
		return Not(p.not())
	case p.accept("("):
		f := p.or()
		if !p.accept(")") {
			p.fail("a parenthesis is not closed")
		}
		return f
	}
	return p.test()
}
