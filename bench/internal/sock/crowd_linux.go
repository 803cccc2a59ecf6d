package sock

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Crowd is a process that holds sockets.
type Crowd struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// NewCrowd starts a process that opens n connected sockets, both ends of n/2
// connections over loopback.
func NewCrowd(n int) (*Crowd, error) {
	cmd, err := child(kindCrowd, n)
	if err != nil {
		return nil, err
	}
	c := &Crowd{cmd: cmd}
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		c.Close()
		return nil, fmt.Errorf("%d sockets cannot be opened", n)
	}
	return c, nil
}

// Close ends the process.
func (c *Crowd) Close() {
	c.stdin.Close()
	c.cmd.Wait()
}

// crowd is that process, until its standard input ends. Its sockets are bare
// descriptors: the runtime has no part in them.
func crowd(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < uint64(n+100) {
		return fmt.Errorf("%d descriptors are needed, and %d allowed", n+100, limit.Cur)
	}
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	if err := unix.Listen(listener, 100); err != nil {
		return err
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		return err
	}
	for range n / 2 {
		if err := connect(listener, address); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// connect makes two sockets. The client's ends with a reset: thousands in TIME-WAIT
// would keep ports from what comes next.
func connect(listener int, address unix.Sockaddr) error {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.Connect(client, address); err != nil {
		return err
	}
	_, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
	return err
}
