package capture

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMeasure compares the CPU time per packet with tcpdump -w's. It is no
// judge of correctness and takes half a minute, so it waits to be asked.
func TestMeasure(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("SONDE_MEASURE"))
	if err != nil {
		t.Skip("set SONDE_MEASURE to a number of rounds")
	}
	h := newHosts(t)
	h.run("ip", "netns", "exec", h.b, "sh", "-c", "sysctl -qw net.ipv4.conf.all.rp_filter=0")
	dir, err := os.MkdirTemp("/dev/shm", "sonde")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	rate := os.Getenv("SONDE_RATE")
	if rate == "" {
		rate = "0"
	}
	dev, blaster, from, ns := "vb", "va", h.a, h.b
	if os.Getenv("SONDE_LO") != "" {
		dev, blaster, from = "lo", "lo", h.b
	}
	self := func(file string) *exec.Cmd { return child(ns, "capture", dev, file) }
	tcpdump := func(file string) *exec.Cmd {
		return exec.Command("ip", "netns", "exec", ns, "tcpdump", "-B", "8192", "-Z", "root", "-i", dev, "-w", file)
	}
	tools := []struct {
		name, file string
		cmd        func(string) *exec.Cmd
	}{
		{"tcpdump", "t.pcap", tcpdump}, {"pcap", "s.pcap", self}, {"pcapng", "s.pcapng", self},
	}
	ratios := map[string][]float64{}
	defer func() {
		for name, all := range ratios {
			slices.Sort(all)
			t.Logf("%-8s ratios %.2f, median %.2f", name, all, all[len(all)/2])
		}
	}()
	for range rounds {
		base := 0.0
		for _, tool := range tools {
			m := measure(t, tool.cmd(filepath.Join(dir, tool.file)), child(from, "blast", blaster, "2s", rate))
			if base == 0 {
				base = m.perPacket
			}
			ratios[tool.name] = append(ratios[tool.name], m.perPacket/base)
			t.Logf("%-8s %6.1f ns a packet (user %.1f, sys %.1f), ratio %.2f, switches %d+%d, captured %d of %d sent", tool.name,
				m.perPacket, m.user, m.system, m.perPacket/base, m.gave, m.lost, m.captured, m.sent)
			os.Remove(filepath.Join(dir, tool.file))
		}
	}
}

type measured struct {
	perPacket, user, system float64
	captured, sent          int
	gave, lost              int64 // context switches, voluntary and not
}

func measure(t *testing.T, tool, load *exec.Cmd) measured {
	t.Helper()
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	tool.Stdout, tool.Stderr = pw, pw
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	pw.Close()
	out := bufio.NewReader(pr)
	if _, err := out.ReadString('\n'); err != nil { // "listening"
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	before := cpuTime(t, tool.Process.Pid) // starting up is not what is compared
	sent, err := load.Output()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	spent := cpuTime(t, tool.Process.Pid) - before
	tool.Process.Signal(os.Interrupt)
	rest, _ := io.ReadAll(out)
	if err := tool.Wait(); err != nil {
		t.Fatal(err, string(rest))
	}
	var m measured
	fmt.Sscan(string(sent), &m.sent)
	for word := range strings.FieldsSeq(string(rest)) {
		if n, err := strconv.Atoi(word); err == nil {
			m.captured = n
			break
		}
	}
	u := tool.ProcessState.SysUsage().(*syscall.Rusage)
	m.gave, m.lost = int64(u.Nvcsw), int64(u.Nivcsw)
	user, system := float64(u.Utime.Nano()), float64(u.Stime.Nano())
	n := float64(m.captured)
	share := user / (user + system) // the kernel's guess, by its ticks
	m.perPacket = float64(spent) / n
	m.user, m.system = m.perPacket*share, m.perPacket*(1-share)
	return m
}

// cpuTime asks for the CPU time that a process has used, with its threads.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
