// Package watchtest watches programs on the loopback interface for tests: the
// packets of some ports, and the kernel's word on their sockets, go to an
// inspect.Inspector, whose verdict is compared with what is wanted.
//
// What lives here: what tests of several packages and modules need for that. What
// does not: the programs and the servers.
package watchtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/filter"
	"sonde/capture/keylog"
	"sonde/inspect"
	"sonde/sockets"
)

// Ear says who is heard. The zero Ear hears packets and sockets.
type Ear struct {
	Deaf  bool // to packets
	Blind bool // to sockets
	Keys  *keylog.Log
}

// Watch is an Inspector that hears the packets of some ports on lo, and the
// kernel's word on their sockets.
type Watch struct {
	t     testing.TB
	in    *inspect.Inspector
	live  *capture.Live
	heard chan struct{} // closed when no packet comes any more
	quit  chan struct{}
	seen  chan struct{} // closed when nobody looks any more
}

// Start starts a watch of servers on some ports. It skips the test, with the
// reason, where packets may not be captured.
func Start(t testing.TB, e Ear, ports ...int) *Watch {
	t.Helper()
	cfg := inspect.Config{Packets: !e.Deaf, Server: func(a netip.AddrPort) bool { return slices.Contains(ports, int(a.Port())) }}
	if e.Keys != nil {
		cfg.Keys = e.Keys
	}
	w := &Watch{t: t, in: inspect.New(cfg), heard: make(chan struct{}), quit: make(chan struct{}), seen: make(chan struct{})}
	if !e.Deaf {
		w.live = open(t, ports)
		go w.packets()
	}
	if e.Blind {
		close(w.seen)
	} else {
		go w.looks(ports)
	}
	return w
}

// What is kept of packets, as by sonde watch, and room for those of some seconds: the
// kernel hands over a block, even if there is little in it, each time that retire has
// passed.
const (
	snapLen   = 4096
	ringSize  = 8 << 20
	blockSize = 32 << 10
	retire    = 20 * time.Millisecond
)

func open(t testing.TB, ports []int) *capture.Live {
	t.Helper()
	var words []string
	for _, port := range ports {
		words = append(words, fmt.Sprint("tcp port ", port))
	}
	p, err := filter.Compile(strings.Join(words, " or "), filter.Options{LinkType: filter.Ethernet, Live: true})
	if err != nil {
		t.Fatal(err)
	}
	live, err := capture.Open(capture.Config{Interface: "lo", Filter: p.Raw(), SnapLen: snapLen, RingSize: ringSize, BlockSize: blockSize, Retire: retire})
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return live
}

func (w *Watch) packets() {
	defer close(w.heard)
	var p capture.Packet
	for {
		if err := w.live.Next(&p); err != nil {
			if err != io.EOF {
				w.t.Error(err)
			}
			return
		}
		w.in.Packet(&p)
	}
}

// The sockets are asked so often. Beside packets that takes a fifth of the time at
// most, which on a machine with many processes is less often.
const (
	lookEvery = 20 * time.Millisecond
	lookShare = 4
)

func (w *Watch) looks(ports []int) {
	defer close(w.seen)
	table, err := sockets.Open(sockets.Config{})
	if err != nil {
		w.t.Error(err)
		return
	}
	defer table.Close()
	var some []sockets.Filter
	for _, port := range ports {
		some = append(some, sockets.Port(uint16(port)))
	}
	q := sockets.Query{Filter: sockets.Or(some...), Detail: sockets.DetailInfo | sockets.DetailOwner}
	share := time.Duration(lookShare)
	if w.live == nil {
		share = 0
	}
	for last := false; ; {
		start := time.Now()
		if err := w.in.Sockets(time.Now().UnixNano(), table.All(context.Background(), q)); err != nil {
			w.t.Error(err)
		}
		if last {
			return
		}
		select {
		case <-w.quit:
			last = true
		case <-time.After(max(lookEvery, share*time.Since(start))):
		}
	}
}

// Report ends the watch, logs what was seen, and returns it.
func (w *Watch) Report() *inspect.Report {
	w.t.Helper()
	close(w.quit)
	<-w.seen
	if w.live != nil {
		w.live.Stop()
		<-w.heard
		s, err := w.live.Stats()
		if err != nil {
			w.t.Error(err)
		}
		w.in.Dropped(s.Dropped)
		w.live.Close()
	}
	r := w.in.Finish()
	w.t.Logf("%s", r.AppendText(nil))
	return r
}

// What is judged is time: that a client closes right behind a response cannot be
// seen while the machine runs something else. So what was captured while it stood
// still proves nothing, and is captured again. The claim stays the same.
const (
	stillness = 10 * time.Millisecond // less than the judge's shortest bound
	tries     = 8
)

// Calmly tries until there is no fault, or one on a machine that did not stand still.
func Calmly(t testing.TB, try func() (faults []string)) {
	t.Helper()
	for n := range tries {
		stood := standing()
		faults := try()
		still := stood()
		if len(faults) == 0 {
			return
		}
		if still < stillness || n == tries-1 {
			t.Errorf("%q (for %v nothing ran here)", faults, still)
			return
		}
		t.Logf("again, as for %v nothing ran here: %q", still, faults)
	}
}

// standing measures, until what it returns is called, for how long a goroutine that
// should run every millisecond did not.
func standing() (stop func() time.Duration) {
	quit, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		var worst time.Duration
		for last := time.Now(); ; {
			select {
			case <-tick.C:
				now := time.Now()
				worst, last = max(worst, now.Sub(last)), now
			case <-quit:
				longest <- max(worst, time.Since(last))
				return
			}
		}
	}()
	return func() time.Duration { close(quit); return <-longest }
}

// Wrong says what is different between a verdict and the causes that are wanted,
// separated by spaces. One in brackets may be there or not.
func Wrong(v *inspect.Verdict, want string) (faults []string) {
	var must, got []inspect.Name
	may := map[inspect.Name]bool{}
	for _, name := range strings.Fields(want) {
		if strings.HasPrefix(name, "[") {
			may[inspect.Name(strings.Trim(name, "[]"))] = true
			continue
		}
		must = append(must, inspect.Name(name))
	}
	for _, c := range v.Causes {
		if !may[c.Cause] {
			got = append(got, c.Cause)
		}
	}
	if !slices.Equal(got, must) {
		faults = append(faults, fmt.Sprintf("causes %v, want %v", got, must))
	}
	if len(may) == 0 && v.Healthy != (len(must) == 0) {
		faults = append(faults, fmt.Sprintf("healthy is %v", v.Healthy))
	}
	return faults
}

// programVariable tells a test binary which program it is, and with what words.
const programVariable = "SONDE_WATCHED_PROGRAM"

// Program is one that is watched: the test binary runs itself as it, as a process
// of its own that knows nothing of this module.
type Program func(args ...string) error

// Main is for TestMain: it runs the program that the process is meant to be and
// ends, and otherwise returns.
func Main(programs map[string]Program) {
	words := strings.Split(os.Getenv(programVariable), " ")
	run, ok := programs[words[0]]
	if !ok {
		return
	}
	if err := run(words[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, words[0]+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Run runs a program of Main's to its end. No word may have a space.
func Run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+strings.Join(append([]string{program}, args...), " "), "GORACE=atexit_sleep_ms=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", program, err, out)
	}
}

// together is how many parallel tests run at once: programs pause most of the time.
const together = 8

// Together is for TestMain: unless a flag says otherwise, more parallel tests run
// at once than there are processors.
func Together() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		flag.Set("test.parallel", strconv.Itoa(together))
	}
}
