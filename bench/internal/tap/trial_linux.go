package tap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Load is what goes over the wire while a tool captures.
type Load struct {
	kind   string
	args   []string
	local  bool // over the loopback of the host that is captured on
	Length time.Duration
	rate   int // packets a second that are meant to go; 0: no limit
}

// Blast is frames from one host to the other, "udp" or "tcp", rate a second; 0 is as
// many as go.
func Blast(frames string, length time.Duration, rate int) Load {
	return Load{kindBlast, []string{near, frames, length.String(), strconv.Itoa(rate)}, false, length, rate}
}

// HTTP is requests over loopback, as many as go.
func HTTP(length time.Duration) Load {
	return Load{kindHTTP, []string{length.String()}, true, length, 0}
}

// Packets is how many there were: those sent or, where that is not known, seen.
func (l Load) Packets(t *Trial) int64 {
	if l.local {
		return t.Captured + t.Dropped
	}
	return t.Sent
}

// Short reports whether the load fell short of its rate: something else had the CPUs.
func (l Load) Short(t *Trial) bool {
	return float64(t.Sent) < .95*float64(l.rate)*l.Length.Seconds()
}

// Trial is what one tool did under a load.
type Trial struct {
	Sent         int64 // frames or requests, by the load's count
	Captured     int64
	Dropped      int64         // by the kernel, since the ring was full
	CPU          time.Duration // of the tool, from the first packet on
	User, System time.Duration // of its whole life, by the kernel's ticks
	Line         string        // the last whole line of text, without its time
}

// PerPacket is the CPU time of the tool for each packet it has captured, in ns.
func (t *Trial) PerPacket() float64 { return float64(t.CPU) / float64(t.Captured) }

// UserPerPacket is the part of it that was spent in user code.
func (t *Trial) UserPerPacket() float64 {
	if t.User+t.System == 0 {
		return 0
	}
	return t.PerPacket() * float64(t.User) / float64(t.User+t.System)
}

// Share is the part that was captured of what the tool's filter let pass.
func (t *Trial) Share() float64 { return float64(t.Captured) / float64(t.Captured+t.Dropped) }

// settle is the time for a tool to get ready and for packets on their way.
const settle = 60 * time.Millisecond

// Try runs the tool on the captured host's dev, and the load.
func (h *Hosts) Try(t Tool, dev string, l Load) (*Trial, error) {
	if t.command == nil {
		sent, err := h.load(l)
		return &Trial{Sent: sent}, err
	}
	out, err := scratch()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	trial := new(Trial)
	// The tool's thread waits until the tool has ended: its death would be the tool's.
	err = h.b.do(func() error { return h.try(t, dev, l, out, trial) })
	if err == nil && trial.Captured == 0 {
		err = errors.New("nothing was captured")
	}
	if err == nil && t.Text {
		trial.Line, err = lastLine(out)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return trial, nil
}

// scratch is a file in memory without a name: it is gone with its last user.
func scratch() (*os.File, error) {
	fd, err := unix.Open("/dev/shm", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("a file in /dev/shm: %w", err)
	}
	return os.NewFile(uintptr(fd), "/dev/shm"), nil
}

// Scratch reports why files in memory cannot be made here.
func Scratch() error {
	f, err := scratch()
	if err == nil {
		f.Close()
	}
	return err
}

func (h *Hosts) try(t Tool, dev string, l Load, out *os.File, trial *Trial) error {
	cmd, err := t.command(dev, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), out.Fd()))
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if t.Text {
		cmd.Stdout = out
	}
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	late := time.AfterFunc(l.Length+10*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	said := bufio.NewReader(pipe)
	err = listening(said)
	var before, after time.Duration
	if err == nil {
		time.Sleep(settle)
		before, err = cpuTime(pid) // starting up is not what is compared
	}
	if err == nil {
		trial.Sent, err = h.load(l)
	}
	if err == nil {
		time.Sleep(settle)
		after, err = cpuTime(pid)
	}
	trial.CPU = after - before
	cmd.Process.Signal(os.Interrupt)
	last, _ := io.ReadAll(said)
	if wrong := cmd.Wait(); err == nil && wrong != nil {
		err = fmt.Errorf("%w: %s", wrong, last)
	}
	if err != nil {
		return err
	}
	trial.User, trial.System = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	trial.Captured, trial.Dropped = count(last, "captured"), count(last, "dropped by kernel")
	return nil
}

// listening waits for the tool to say so.
func listening(said *bufio.Reader) error {
	var all strings.Builder
	for {
		line, err := said.ReadString('\n')
		if all.WriteString(line); strings.Contains(line, "listening on") {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it does not listen: %s", all.String())
		}
	}
}

// count finds "123 packets captured".
func count(said []byte, what string) int64 {
	found := regexp.MustCompile(`(\d+) packets? ` + what).FindSubmatch(said)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return n
}

// load runs the load to its end.
func (h *Hosts) load(l Load) (sent int64, err error) {
	where := h.a
	if l.local {
		where = h.b
	}
	cmd, err := child(l.kind, l.args...)
	if err != nil {
		return 0, err
	}
	cmd.Stderr = os.Stderr
	var said []byte
	err = where.do(func() (err error) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		said, err = cmd.Output()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("the load: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(said)), 10, 64)
}

// cpuTime is what a process has used, with all of its threads: the clock that
// clock_getcpuclockid names.
func cpuTime(pid int) (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED, in nanoseconds
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &ts); err != nil {
		return 0, fmt.Errorf("its CPU time: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// lastLine is the last whole line of a file, from its first space on: before that is
// the time.
func lastLine(f *os.File) (string, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	tail := make([]byte, min(size, 4096))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return "", err
	}
	whole, _, _ := strings.Cut(string(tail), "\n\n") // tcpdump ends with an empty line
	lines := strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
	_, line, found := strings.Cut(lines[len(lines)-1], " ")
	if !found {
		return "", errors.New("there are no lines")
	}
	return line, nil
}

// Has reports why a command cannot be run.
func Has(command string) error {
	if _, err := exec.LookPath(command); err != nil {
		return fmt.Errorf("%s is not installed", command)
	}
	return nil
}
