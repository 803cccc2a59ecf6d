//go:build !linux

package sockets

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// system is the way to the kernel, of which other systems have none here.
type system struct{}

func unsupported() error {
	return fmt.Errorf("listing sockets is not supported on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func (*system) open(Source) error { return unsupported() }
func (*system) close() error      { return nil }
func (*system) source() Source    { return SourceAuto }
func (*system) destroy(*Socket) error {
	return unsupported()
}

func (*system) walk(context.Context, *plan, *Socket, func(*Socket) bool) error {
	return unsupported()
}
