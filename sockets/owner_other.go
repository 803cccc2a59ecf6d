//go:build !linux

package sockets

// scanner has nowhere to look on other systems.
type scanner struct{}

func (*scanner) scan(*Owners) error { return unsupported() }
