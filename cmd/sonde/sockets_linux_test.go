package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// namespace moves the test's thread, which ends with it, into a network
// namespace of its own where loopback is up. Commands that the test starts are
// in it, too.
func namespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		t.Skip("no network namespace of its own: ", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

// crew holds sockets in as many states as stand still.
type crew struct {
	t    *testing.T
	port int // of the IPv4 listener
}

func (c *crew) keep(closer interface{ Close() error }) { c.t.Cleanup(func() { closer.Close() }) }

func (c *crew) listen(network, address string, control func(fd uintptr)) net.Listener {
	c.t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		if control == nil {
			return nil
		}
		return raw.Control(control)
	}}
	l, err := config.Listen(c.t.Context(), network, address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.keep(l)
	return l
}

// dial connects on the test's own thread: package net's race of addresses would
// do so on another one, in another namespace.
func (c *crew) dial(network, address string) net.Conn {
	c.t.Helper()
	var conn net.Conn
	var err error
	switch network {
	case "unix":
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: address, Net: "unix"})
	case "udp":
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	default:
		conn, err = net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.keep(conn)
	return conn
}

func (c *crew) accept(l net.Listener) net.Conn {
	c.t.Helper()
	conn, err := l.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	c.keep(conn)
	return conn
}

// newCrew opens them: LISTEN with one connection to accept, ESTABLISHED with
// bytes unread and with a mapped address, TIME-WAIT, CLOSE-WAIT and FIN-WAIT-2,
// SYN-RECEIVED; UDP; Unix by path, abstract and without a name.
func newCrew(t *testing.T) *crew {
	c := &crew{t: t}
	four := c.listen("tcp4", "127.0.0.1:0", nil)
	c.port = four.Addr().(*net.TCPAddr).Port
	c.dial("tcp", four.Addr().String()).Write(make([]byte, 5000))
	c.accept(four).Read(make([]byte, 2000))
	half := c.dial("tcp", four.Addr().String())
	c.accept(four)
	half.(*net.TCPConn).CloseWrite()
	c.dial("tcp", four.Addr().String()) // not accepted

	both := c.listen("tcp", "[::]:0", nil)
	port := both.Addr().(*net.TCPAddr).Port
	c.dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	c.accept(both)
	ended := c.dial("tcp", fmt.Sprintf("[::1]:%d", port))
	other := c.accept(both)
	other.Close() // it closes first, and waits
	ended.Read(make([]byte, 1))
	ended.Close()

	late := c.listen("tcp6", "[::1]:0", func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 30)
	})
	c.dial("tcp", late.Addr().String())

	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c.keep(server)
	c.dial("udp", server.LocalAddr().String())

	path := filepath.Join(t.TempDir(), "s")
	c.dial("unix", c.listen("unix", path, nil).Addr().String())
	c.listen("unix", fmt.Sprintf("@sonde-%d", os.Getpid()), nil)
	return c
}

// settled waits until the states are those that stay.
func (c *crew) settled() {
	c.t.Helper()
	want := []string{"ESTAB", "LISTEN", "TIME-WAIT", "CLOSE-WAIT", "FIN-WAIT-2", "SYN-RECV"}
	var text string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text = c.run("sonde", "sockets", "-tan")
		if !slices.ContainsFunc(want, func(s string) bool { return !strings.Contains(text, s) }) {
			return
		}
	}
	c.t.Fatalf("some of %v are not there:\n%s", want, text)
}

// run runs a command, in the test's namespace, and returns what it printed.
func (c *crew) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	if name == "sonde" {
		cmd = exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s %v: %v: %s", name, args, err, errs.String())
	}
	return out.String()
}

// What ss and sonde may say differently: figures of the clock, and what one of
// them does not know.
var (
	ssClock   = regexp.MustCompile(`(lastsnd|lastrcv|lastack):\d+ ?`)
	ssTimer   = regexp.MustCompile(`timer:\((\w+),[^,]*,(\d+)\)`)
	ssUnknown = regexp.MustCompile(`cgroup:\S+ ?|(bbr|dctcp):\(\S+\) ?|rcv_wnd:\d+ ?|rehash:\d+ ?|tcp-ulp-\S+ ?|class_id:\S+ ?`)
	ssOrder   = regexp.MustCompile(`\("[^)]*\)`)
)

// normal is a listing as sorted lines of words, a line for each socket.
func normal(text string) []string {
	text = strings.ReplaceAll(text, "\n\t", " ")
	text = ssUnknown.ReplaceAllString(ssClock.ReplaceAllString(text, ""), "")
	text = ssTimer.ReplaceAllString(text, "timer:($1,$2)")
	text = strings.ReplaceAll(text, "PortProcess", "Port Process")
	var lines []string
	for line := range strings.Lines(text) {
		// Holders come in the order in which /proc is read.
		owners := ssOrder.FindAllString(line, -1)
		slices.Sort(owners)
		line = ssOrder.ReplaceAllString(line, "")
		lines = append(lines, strings.Join(append(strings.Fields(line), owners...), " "))
	}
	slices.Sort(lines)
	return lines
}

// differing shows the lines that only one of two listings has.
func differing(a string, as []string, b string, bs []string) string {
	var out strings.Builder
	for _, side := range []struct {
		name        string
		lines, than []string
	}{{a, as, bs}, {b, bs, as}} {
		for _, line := range side.lines {
			if !slices.Contains(side.than, line) {
				fmt.Fprintf(&out, "%-8s %s\n", side.name, line)
			}
		}
	}
	return out.String()
}

// TestSocketsAsSS: the same sockets, in the same words.
func TestSocketsAsSS(t *testing.T) {
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("ss is not installed: ", err)
	}
	namespace(t)
	c := newCrew(t)
	c.settled()
	port := fmt.Sprintf(":%d", c.port)
	for _, args := range [][]string{
		{"-tan"}, {"-ta"}, {"-t"}, {"-tl"}, {"-ltn"}, {"-tain"}, {"-tainemo"}, {"-tai"}, {"-tanp"}, {"-tanO"}, {"-tanHi"},
		{"-4tan"}, {"-6tan"}, {"-uan"}, {"-un"}, {"-uln"}, {"-tuanpem"}, {"-tuano", "--tos"}, {"-xa"}, {"-x"}, {"-xl"}, {"-txan"}, {"-xp"},
		{"-tn", "state", "established"},
		{"-tn", "state", "time-wait", "state", "syn-recv"},
		{"-tn", "exclude", "listening", "exclude", "established"},
		{"-tan", "sport = " + port},
		{"-tan", "sport", "==", port, "or", "dport", "eq", port},
		{"-tan", "dport != " + port},
		{"-tan", "sport >= " + port + " and sport le " + port},
		{"-tan", "not", "(", "sport < " + port, "||", "dport gt " + port, ")"},
		{"-tan", "src 127.0.0.1" + port},
		{"-tan", "dst 127.0.0.0/8 && ! dport " + port},
		{"-tan", "src [::1]"},
		{"-tuan", "state", "connected", "dst 127.0.0.1"},
	} {
		theirs, ours := normal(c.run(ss, args...)), normal(c.run("sonde", append([]string{"sockets"}, args...)...))
		if !slices.Equal(theirs, ours) {
			t.Errorf("%q\n%s", args, differing("ss", theirs, "sonde", ours))
		}
	}
}

// TestSocketsProc: without netlink the same sockets are listed.
func TestSocketsProc(t *testing.T) {
	namespace(t)
	c := newCrew(t)
	c.settled()
	for _, flags := range []string{"-4tan", "-6tan", "-uan"} {
		theirs := normal(c.run("sonde", "sockets", flags))
		ours := normal(c.run("sonde", "sockets", flags, "--source", "proc"))
		// /proc knows neither the limit of a listener's queue nor whether it is
		// for IPv6 only.
		strip := func(lines []string) []string {
			var out []string
			for _, line := range lines {
				if words := strings.Fields(line); words[0] == "LISTEN" {
					words[2] = "LIMIT"
					line = strings.Join(words, " ")
				}
				out = append(out, strings.NewReplacer("[::]:*", "*:*").Replace(line))
			}
			return out
		}
		if theirs, ours = strip(theirs), strip(ours); !slices.Equal(theirs, ours) {
			t.Errorf("%s\n%s", flags, differing("netlink", theirs, "/proc", ours))
		}
	}
}

// TestSocketsJSON: the objects hold what the lines do.
func TestSocketsJSON(t *testing.T) {
	namespace(t)
	c := newCrew(t)
	c.settled()
	states := map[string]int{}
	listing := json.NewDecoder(strings.NewReader(c.run("sonde", "sockets", "-tuxaimpe", "--json")))
	for listing.More() {
		var o struct {
			Proto, State, Local, Path string
			RecvQueue                 int `json:"recv_queue"`
			Info                      *struct {
				BytesReceived int `json:"bytes_received"`
				RTT           int `json:"rtt_us"`
			}
			Owners []struct{ PID int }
		}
		if err := listing.Decode(&o); err != nil {
			t.Fatal(err)
		}
		states[o.Proto+" "+o.State]++
		switch {
		case o.RecvQueue == 3000 && (o.Info == nil || o.Info.BytesReceived != 5000 || o.Info.RTT == 0):
			t.Errorf("%+v with %+v has not received 5000 bytes", o, o.Info)
		case o.State == "LISTEN" && (len(o.Owners) != 1 || o.Owners[0].PID != os.Getpid()):
			t.Errorf("%+v is not ours", o)
		}
	}
	want := map[string]int{
		"tcp LISTEN": 3, "tcp ESTABLISHED": 7, "tcp TIME-WAIT": 1, "tcp CLOSE-WAIT": 1, "tcp FIN-WAIT-2": 1,
		"tcp SYN-RECEIVED": 1, "udp ESTABLISHED": 1, "udp CLOSED": 1, "unix LISTEN": 2, "unix ESTABLISHED": 1,
	}
	if fmt.Sprint(states) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", states, want)
	}

	var summary summaryObject
	if err := json.Unmarshal([]byte(c.run("sonde", "sockets", "-s", "--json")), &summary); err != nil {
		t.Fatal(err)
	}
	if summary.Total != 19 || summary.Protocols["tcp"]["ESTABLISHED"] != 7 {
		t.Errorf("the summary is %+v", summary)
	}
	from := slices.IndexFunc(summary.Peers, func(p peerObject) bool { return p.Direction == "from" && int(p.Port) == c.port })
	if from < 0 || summary.Peers[from].Total != 3 {
		t.Errorf("who connected to %d is not in %+v", c.port, summary.Peers)
	}
}

// TestSocketsWatch: a connection that comes and goes between looks is told.
func TestSocketsWatch(t *testing.T) {
	namespace(t)
	c := newCrew(t)
	c.settled()
	cmd := exec.Command(os.Args[0], "sockets", "-tx", "--watch", "--interval", "10ms", "--json")
	cmd.Env = append(os.Environ(), commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	looks := json.NewDecoder(out)
	until := func(what string, seen func(watchObject) bool) {
		t.Helper()
		for range 2000 {
			var o watchObject
			if err := looks.Decode(&o); err != nil {
				t.Fatal(err)
			}
			if seen(o) {
				return
			}
		}
		t.Fatal("never seen: ", what)
	}
	var first watchObject
	until("a first look", func(o watchObject) bool { first = o; return true })
	if first.Appeared+first.Changed+first.Gone != 0 || first.Total == 0 {
		t.Errorf("the first look is %+v", first)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	until("two sockets more", func(o watchObject) bool { return o.Appeared == 2 && o.Total == first.Total+2 })
	unix.Close(pair[0])
	unix.Close(pair[1])
	until("two sockets gone", func(o watchObject) bool { return o.Gone == 2 && o.Total == first.Total })
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted it ends with %v", err)
	}
}

// TestSocketsFit: on a terminal no line is wider than it, and nothing is lost.
func TestSocketsFit(t *testing.T) {
	l := newCrew(t)
	filter := fmt.Sprintf("sport = :%d or dport = :%[1]d", l.port)
	for _, columns := range []uint16{200, 80, 50, 30} {
		for _, args := range [][]string{
			{"-tanipemo", filter}, {"-tn", filter}, {"-s", filter}, {"--watch", "--looks", "2", "--interval", "1ms", filter},
		} {
			text, code := terminal(t, columns, append([]string{"sockets"}, args...)...)
			if code != 0 || !strings.Contains(text, "ESTAB") {
				t.Fatalf("%q: code %d: %s", args, code, text)
			}
			for line := range strings.Lines(escapes.ReplaceAllString(text, "\r")) {
				for part := range strings.SplitSeq(line, "\r") {
					if n := utf8.RuneCountInString(strings.TrimRight(part, "\n")); n > int(columns) {
						t.Errorf("%q: %d columns of %d: %q", args, n, columns, part)
					}
				}
			}
		}
	}
}
