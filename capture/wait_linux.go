package capture

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// doze leaves the ring alone under load, so that one awakening serves several
// blocks; being woken for each cost more than reading them. These sleeps keep the
// Go scheduler out of it: told of every short wait, it sets its monitor thread to
// looking around each 20 microseconds, which was a third of all time spent. In
// return they occupy one of its processors for some milliseconds, so with a
// single one there is no dozing; a garbage collection ends them by its signal.
//
// A goroutine that keeps its processor for 10 ms is sent a signal by that same
// monitor: it cuts the nap short, wakes another thread to take over, and ends in a
// poll, which has the monitor looking around quickly again. To yield before that
// costs less than a microsecond, and saved 28 % of the CPU time of 100,000 packets
// a second that were printed, 3 % of 500,000 that were written.
func (l *Live) doze() {
	for slept := time.Duration(0); slept < l.cfg.Retire && !l.closed.Load() && l.stopAt.Load() == 0; slept += l.nap {
		if l.kept += l.nap; l.kept > yieldAfter {
			l.kept = 0
			runtime.Gosched()
		}
		rawSleep(l.nap)
		if l.ring.ready() {
			return
		}
	}
}

// yieldAfter is the time in naps after which doze yields: a nap of the longest kind
// and as much work fit into 10 ms.
const yieldAfter = 4 * time.Millisecond

const forever = time.Duration(-1)

// wait sleeps until the ring, Stop or Close has something to say, and no longer
// than limit, unless that is forever.
func (l *Live) wait(limit time.Duration) error {
	overdue := l.stopAt.Load() != 0 && l.stopTime() <= 0
	if overdue && (l.stopTime() < -stopPatience || !l.behind()) {
		return io.EOF
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed.Load() {
		return ErrClosed
	}
	timeout := ^uint(0) // no limit, which poll calls -1
	if limit >= 0 {
		timeout = milliseconds(limit)
	}
	if l.wary {
		if l.gone() {
			return fmt.Errorf("capture: interface %q is gone: %w", l.dev.name, unix.ENODEV)
		}
		timeout = min(timeout, 200)
	}
	if l.stopAt.Load() != 0 {
		left := l.stopTime()
		if overdue || left <= 0 {
			left = l.cfg.Retire
		}
		timeout = min(timeout, milliseconds(left))
	}
	return l.poll(int(timeout))
}

// stopTime is how long the open block may still be awaited after Stop: the kernel
// closes it within the retire time.
func (l *Live) stopTime() time.Duration {
	return time.Until(time.Unix(0, l.stopAt.Load()).Add(2*l.cfg.Retire + time.Millisecond))
}

// stopPatience is for how long more, where the kernel has counted packets that have
// not come: on a busy machine its timer is late.
const stopPatience = time.Second

// behind reports whether the kernel has counted packets that Next has not seen.
func (l *Live) behind() bool {
	s, err := l.Stats()
	return err == nil && s.Captured+s.Ignored+s.Dropped < s.Received
}

// milliseconds rounds up, to what poll can take.
func milliseconds(d time.Duration) uint {
	return uint(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
}

func (l *Live) poll(timeout int) error {
	fds := [2]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.wake), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds[:], timeout); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("capture: poll: %w", err)
	}
	if fds[1].Revents != 0 {
		var b [8]byte
		unix.Read(l.wake, b[:])
	}
	if fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		return l.socketError()
	}
	return nil
}

// socketError takes the error that the kernel reports. An interface that is only
// down may come back, and the capture with it; one that is removed goes down
// first, and of its removal there is no second report.
func (l *Live) socketError() error {
	errno, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno == 0 {
		return err
	}
	if unix.Errno(errno) == unix.ENETDOWN {
		l.wary = true
		return nil
	}
	return fmt.Errorf("capture: reading %q: %w", l.dev.name, unix.Errno(errno))
}

// gone reports whether the interface was removed: the kernel then unbinds the
// socket from it.
func (l *Live) gone() bool {
	at, err := unix.Getsockname(l.fd)
	ll, ok := at.(*unix.SockaddrLinklayer)
	return err == nil && ok && ll.Ifindex != l.dev.index
}
