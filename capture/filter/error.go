package filter

import "fmt"

// Error says why an expression was refused, and where. It is the only error
// type that Compile and Parse return.
type Error struct {
	Expr string // the whole expression
	Pos  int    // byte offset of what was refused, at most len(Expr)
	Msg  string // what is wrong, in lower case
}

// Error gives the reason with the place, counted in bytes from 1.
func (e *Error) Error() string {
	return fmt.Sprintf("filter: %s (at column %d of %q)", e.Msg, e.Pos+1, e.Expr)
}

// failure carries an error up through the recursion of the parser and of the
// generator; recoverInto stops it at the exported functions.
type failure struct {
	pos int
	msg string
}

func failf(pos int, format string, args ...any) {
	panic(failure{pos, fmt.Sprintf(format, args...)})
}

// recoverInto turns a failure into *err. Any other panic goes on.
func recoverInto(expr string, err *error) {
	switch f := recover().(type) {
	case nil:
	case failure:
		*err = &Error{Expr: expr, Pos: min(f.pos, len(expr)), Msg: f.msg}
	default:
		panic(f)
	}
}
