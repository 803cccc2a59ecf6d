package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sonde/capture"
)

// manyPackets writes a pcap file of some 3 MB.
func manyPackets(t *testing.T, name string) {
	t.Helper()
	f, err := capture.Create(name, capture.FileConfig{WriterConfig: capture.WriterConfig{
		Format: capture.PCAPMicro, Interfaces: []capture.Interface{{Link: capture.LinkRaw}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte{0x45}, make([]byte, 999)...)
	for i := range 3000 {
		if err := f.WritePacket(&capture.Packet{Data: data, Length: len(data), Link: capture.LinkRaw, Time: int64(i) * 1e6}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRotationAsTcpdump: the same files, with the same bytes.
func TestRotationAsTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed: ", err)
	}
	in := filepath.Join(t.TempDir(), "in.pcap")
	manyPackets(t, in)
	c := &crew{t: t}
	for _, flags := range [][]string{{"-C", "1"}, {"-C", "1", "-W", "2"}, {"-C", "1", "-W", "12"}, {"-C", "2", "-c", "2500"}, {"-c", "10"}} {
		theirs, ours := t.TempDir(), t.TempDir()
		run := func(name string, args ...string) { c.run(name, append(args, flags...)...) }
		if os.Geteuid() == 0 {
			run(tcpdump, "-Z", "root", "-r", in, "-w", filepath.Join(theirs, "x.pcap"))
		} else {
			run(tcpdump, "-r", in, "-w", filepath.Join(theirs, "x.pcap"))
		}
		run("sonde", "sniff", "--format", "pcap-us", "-r", in, "-w", filepath.Join(ours, "x.pcap"))
		want, _ := os.ReadDir(theirs)
		got, _ := os.ReadDir(ours)
		if len(want) == 0 || len(got) != len(want) {
			t.Errorf("%q: tcpdump wrote %v, sonde %v", flags, want, got)
			continue
		}
		for i := range want {
			a, _ := os.ReadFile(filepath.Join(theirs, want[i].Name()))
			b, _ := os.ReadFile(filepath.Join(ours, got[i].Name()))
			if want[i].Name() != got[i].Name() || !bytes.Equal(a, b) {
				t.Errorf("%q: tcpdump's %s has %d bytes, sonde's %s %d", flags, want[i].Name(), len(a), got[i].Name(), len(b))
			}
		}
	}
}

// TestSniffAsUser: with -Z files belong to the user, rotated ones too, and where
// that user may not make any, nothing is captured.
func TestSniffAsUser(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root can become nobody: ", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	namespace(t)
	open, err := os.MkdirTemp("", "sonde-user-") // t.TempDir is below one that others cannot enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(open)
	os.Chmod(open, 0o777)

	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cmd := exec.Command(os.Args[0], "sniff", "-i", "lo", "-p", "-Z", "nobody", "-C", "1", "-c", "40", "-w", filepath.Join(open, "x.pcap"), "udp", "port", "9")
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for datagram := make([]byte, 60_000); ; {
		conn.Write(datagram) // refused, and seen all the same
		select {
		case err = <-ended:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	files, _ := filepath.Glob(filepath.Join(open, "x.pcap*"))
	if err != nil || len(files) != 3 {
		t.Errorf("%v, files %v: %s", err, files, said.String())
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != uid {
			t.Errorf("%s: %v, not of user %d", name, err, uid)
		}
	}

	os.Chmod(open, 0o755)
	cmd = exec.Command(os.Args[0], "sniff", "-i", "lo", "-p", "-Z", "nobody", "-w", filepath.Join(open, "y.pcap"))
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "y.pcap: permission denied") || strings.Contains(string(out), "CAP_NET_RAW") {
		t.Errorf("%v: %s", err, out)
	}
}
