// Package porttest has ports for tests whose servers are other programs.
//
// A port that was listened on and given up again is anybody's: another test, in
// another process, may have it a moment later, and answers in its place.
package porttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Closed is a port on which nobody listens: below 1024 no system gives ports out, and
// tcpmux, whose this is (RFC 1078), is served nowhere any more.
const Closed = "1"

// Ports to choose from, below those that Linux and the BSDs give out by themselves.
const lowest, highest = 15000, 32000

// Free returns n ports of 127.0.0.1 that are free, and that no system gives out.
func Free(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := lowest + rand.IntN(highest-lowest)
		// On all addresses, as some programs listen there.
		l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer l.Close() // so that none comes twice
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("%d of %d ports: %w", len(ports), n, errors.ErrUnsupported)
}
