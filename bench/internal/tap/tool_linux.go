package tap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"sonde/capture"
	"sonde/capture/sniff"
)

// Tool is a program that captures on dev. What comes out goes to a file, by its name
// or, if it is text, by standard output.
type Tool struct {
	Name    string
	Text    bool
	command func(dev, file string) (*exec.Cmd, error)
}

// TcpdumpWrites is tcpdump -w, with a ring of so many KiB; 0 is its default.
func TcpdumpWrites(kib int) Tool {
	return Tool{Name: "tcpdump", command: func(dev, file string) (*exec.Cmd, error) {
		args := []string{"-Z", "root", "-i", dev, "-w", file}
		if kib > 0 {
			args = append(args, "-B", fmt.Sprint(kib))
		}
		return exec.Command("tcpdump", args...), nil
	}}
}

// TcpdumpPrints is tcpdump with numbers instead of names.
func TcpdumpPrints() Tool {
	return Tool{Name: "tcpdump", Text: true, command: func(dev, _ string) (*exec.Cmd, error) {
		return exec.Command("tcpdump", "-Z", "root", "-B", "8192", "-n", "-i", dev), nil
	}}
}

// Nobody captures nothing: the load is alone.
func Nobody() Tool { return Tool{Name: "no capture"} }

// The ways in which sonde captures here, all with its default ring.
const (
	PCAP   = "pcap"
	PCAPNG = "pcapng"
	Tagged = "tagged" // pcapng, and every packet with a process and a comment
	Lines  = "lines"
)

// Sonde is what "sonde sniff" does in a process of its own.
func Sonde(name, way string) Tool {
	return Tool{Name: name, Text: way == Lines, command: func(dev, file string) (*exec.Cmd, error) {
		return child(way, dev, file)
	}}
}

// capturing is that process.
func capturing(way string, args []string) error {
	if len(args) != 2 {
		return errors.New("a capture takes an interface and a file")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg := sniff.Config{Interface: args[0], Write: args[1], KeepPrivileges: true}
	cfg.Capture.Promiscuous = capture.PromiscuousMember
	switch way {
	case PCAP:
		cfg.File.Format = capture.PCAP
	case PCAPNG:
		cfg.File.Format = capture.PCAPNG
	case Lines:
		cfg.Write, cfg.Style.Numeric = "", true
	case Tagged:
		return tagging(ctx, args[0], args[1])
	default:
		return fmt.Errorf("%q is no way to capture", way)
	}
	return sniff.Run(ctx, cfg)
}

// tagging is a capture whose packets have all that pcapng can say about them. Who
// sent a packet is not looked up: what is measured is writing it.
func tagging(ctx context.Context, dev, file string) error {
	live, err := capture.Open(capture.Config{Interface: dev, Promiscuous: capture.PromiscuousMember})
	if err != nil {
		return err
	}
	defer live.Close()
	out, err := capture.Create(file, capture.FileConfig{WriterConfig: capture.WriterConfig{Interfaces: live.Interfaces()}})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, live.Stop)()
	fmt.Fprintln(os.Stderr, "listening on", dev)
	var p capture.Packet
	for {
		if err = live.Next(&p); err != nil {
			break
		}
		p.Process = capture.Process{PID: 12345, Name: "exchange"}
		p.Comment = "connection 7, request 42"
		if err = out.WritePacket(&p); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	stats, wrong := live.Stats()
	fmt.Fprintf(os.Stderr, "%d packets captured\n%d packets received by filter\n%d packets dropped by kernel\n",
		stats.Captured, stats.Received, stats.Dropped)
	return errors.Join(err, wrong, out.Close())
}
