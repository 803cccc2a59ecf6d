//go:build !linux

package capture

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Live is a live capture. It exists on Linux only.
type Live struct{}

var errPlatform = fmt.Errorf("capture: live capture needs Linux's packet sockets, this is %s: %w", runtime.GOOS, errors.ErrUnsupported)

// Open returns an error: live capture is not supported here.
func Open(Config) (*Live, error) { return nil, errPlatform }

// OpenFanout returns an error: live capture is not supported here.
func OpenFanout(Config, int, FanoutMode) ([]*Live, error) { return nil, errPlatform }

// LinkOf returns an error.
func LinkOf(string) (LinkType, error) { return 0, errPlatform }

// Devices returns an error: the list is asked of Linux.
func Devices() ([]Device, error) { return nil, errPlatform }

// Next returns an error.
func (*Live) Next(*Packet) error { return errPlatform }

// Ready returns false.
func (*Live) Ready() bool { return false }

// Await returns true.
func (*Live) Await(time.Duration) bool { return true }

// Interfaces returns nil.
func (*Live) Interfaces() []Interface { return nil }

// WriteReady writes nothing: there is no live source.
func (w *Writer) WriteReady(*Live, int) (int, error) { return 0, w.err }

// Stats returns an error.
func (*Live) Stats() (Stats, error) { return Stats{}, errPlatform }

// Stop does nothing.
func (*Live) Stop() {}

// Close does nothing.
func (*Live) Close() error { return nil }
