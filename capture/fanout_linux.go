package capture

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenFanout opens n sources that share the packets of one interface, for n
// goroutines. Each has a ring of cfg.RingSize. The kernel picks a group number
// that nobody else uses.
func OpenFanout(cfg Config, n int, mode FanoutMode) ([]*Live, error) {
	if n < 1 || n > 256 {
		return nil, fmt.Errorf("capture: fanout over %d sources is not within 1 and 256", n)
	}
	if mode > FanoutQueue {
		return nil, fmt.Errorf("capture: unknown fanout mode %d", mode)
	}
	g := group{mode: int(mode)}
	sources := make([]*Live, 0, n)
	for range n {
		l, err := open(cfg, g.join)
		if err != nil {
			for _, l := range sources {
				l.Close()
			}
			return nil, err
		}
		sources = append(sources, l)
	}
	return sources, nil
}

// group is a fanout group in the making.
type group struct {
	mode int
	id   int
	made bool
}

// join makes the socket a member; the first one founds the group.
func (g *group) join(fd int) error {
	arg := g.mode<<16 | g.id
	if !g.made {
		arg |= unix.PACKET_FANOUT_FLAG_UNIQUEID << 16
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, arg); err != nil {
		return fmt.Errorf("capture: fanout: %w", err)
	}
	if !g.made {
		got, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
		if err != nil {
			return fmt.Errorf("capture: fanout group: %w", err)
		}
		g.id, g.made = got&0xffff, true
	}
	return nil
}

// bindInGroup joins before it binds, so that no packet comes twice. Kernels
// before 6.13 take members only when they are bound already: there a packet that
// arrives between the two calls is seen by two sources.
func (l *Live) bindInGroup(join func(fd int) error) error {
	err := join(l.fd)
	if err == nil {
		return l.bind()
	}
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	if err := l.bind(); err != nil {
		return err
	}
	return join(l.fd)
}
