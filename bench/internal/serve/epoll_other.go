//go:build !linux

package serve

import "net"

// serveEvents serves with goroutines where there is no epoll.
func serveEvents(ln net.Listener) error { return (&goroutines{}).serve(ln) }
