//go:build !linux

package socket

import (
	"net"
	"syscall"
)

// Readiness is what poll(2) says of an idle connection.
type Readiness uint8

// What an idle connection may have waiting.
const (
	Unknown  Readiness = iota // poll does not apply: ask the connection itself
	Quiet                     // nothing came
	Readable                  // bytes wait
	HungUp                    // the peer closed, perhaps behind bytes, or an error waits
)

func pollable(net.Conn, syscall.RawConn) syscall.RawConn { return nil }

// Ready asks what waits on an idle connection, without blocking.
func (c *Conn) Ready() Readiness { return Unknown }

// Poll asks many descriptors at once. Here it cannot.
func Poll(fds []int, each func(i int)) {}
