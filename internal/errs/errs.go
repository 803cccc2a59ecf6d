// Package errs looks into chains of errors as package errors does, at less cost for
// a program's size.
package errs

// As is errors.AsType: the first T in the chain of err. That one has its loop in a
// program once for each kind of T, at 2 KB; here it is there once.
func As[T error](err error) (T, bool) {
	var found T
	ok := search(err, &found, func(err error) (ok bool) {
		found, ok = err.(T)
		return ok
	})
	return found, ok
}

// search goes through the chain of err, as package errors does, until one is what is
// looked for, or sets target to it.
func search(err error, target any, is func(error) bool) bool {
	for err != nil {
		if is(err) {
			return true
		}
		if x, ok := err.(interface{ As(any) bool }); ok && x.As(target) {
			return true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range x.Unwrap() {
				if search(err, target, is) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}
