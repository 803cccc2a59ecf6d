package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sonde/internal/fault"
	"sonde/trace"
)

// full is the port of a listener whose queue has no room: connecting to it hangs.
// Only Linux is known to drop a SYN then.
func full(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 4 {
		conn, err := net.DialTimeout("tcp", addr, 100*ms)
		if err != nil {
			break
		}
		t.Cleanup(func() { conn.Close() })
	}
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func TestHangingConnect(t *testing.T) {
	testHanging(t, New)
}

// TestHangingConnectAlone is the same by system calls of our own.
func TestHangingConnectAlone(t *testing.T) {
	testHanging(t, func(c Config) *Dialer { return New(c).Alone() })
}

func testHanging(t *testing.T, newDialer func(Config) *Dialer) {
	port := full(t)
	cause := errors.New("enough")
	for _, host := range []string{"127.0.0.1", "name.test"} {
		resolver := names{"name.test": {"127.0.0.1"}}
		t.Run(host+", timeout", func(t *testing.T) {
			d := newDialer(Config{Resolver: resolver, ConnectTimeout: 50 * ms})
			begin := time.Now()
			_, err := d.Dial(context.Background(), routeTo("http", host, port), nil)
			wantFault(t, err, fault.Connect, os.ErrDeadlineExceeded)
			if took := time.Since(begin); took < 50*ms || took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
		t.Run(host+", cancel", func(t *testing.T) {
			d := newDialer(Config{Resolver: resolver, ConnectTimeout: time.Minute})
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(50*ms, func() { cancel(cause) })
			rec, log := recorded()
			_, err := d.Dial(ctx, routeTo("http", host, port), log)
			wantFault(t, err, fault.Connect, context.Canceled, cause)
			events := rec.Events()
			if last := events[len(events)-1]; last.Kind != trace.ConnectDone || !errors.Is(last.Err, context.Canceled) {
				t.Errorf("the last event is %v: %v", last.Kind, last.Err)
			}
			if !strings.Contains(err.Error(), port) {
				t.Errorf("%q does not name the address", err)
			}
		})
		t.Run(host+", deadline", func(t *testing.T) {
			d := newDialer(Config{Resolver: resolver})
			ctx, cancel := context.WithTimeoutCause(context.Background(), 50*ms, cause)
			defer cancel()
			_, err := d.Dial(ctx, routeTo("http", host, port), nil)
			wantFault(t, err, fault.Connect, context.DeadlineExceeded, cause)
		})
	}
}
