package errs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"testing"
)

// named says by As what it stands for.
type named struct{ as *fs.PathError }

func (n named) Error() string { return "named" }

func (n named) As(target any) bool {
	p, ok := target.(**fs.PathError)
	if ok {
		*p = n.as
	}
	return ok
}

// TestAs: it finds what package errors finds.
func TestAs(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}
	other := &fs.PathError{Op: "read", Path: "y", Err: io.ErrUnexpectedEOF}
	for _, err := range []error{
		nil, io.EOF, path, fmt.Errorf("a: %w", path), errors.Join(io.EOF, fmt.Errorf("b: %w", path), other),
		fmt.Errorf("%w and %w", io.EOF, errors.Join(nil, io.EOF)), named{other}, fmt.Errorf("c: %w", named{other}),
		errors.Join(named{path}, other), &net.OpError{Op: "dial", Err: path}, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		fmt.Errorf("d: %w", &net.DNSError{IsTimeout: true}), errors.Join(),
	} {
		compare[*fs.PathError](t, err)
		compare[net.Error](t, err)
		compare[named](t, err)
	}
}

func compare[T interface {
	error
	comparable
}](t *testing.T, err error) {
	t.Helper()
	got, ok := As[T](err)
	if want, found := errors.AsType[T](err); got != want || ok != found {
		t.Errorf("%v: %v, %v; want %v, %v", err, got, ok, want, found)
	}
}
