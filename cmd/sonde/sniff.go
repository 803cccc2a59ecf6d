package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sonde/capture"
	"sonde/capture/filter"
	"sonde/capture/sniff"
)

// sniffFlags are the flags whose values mean something else than a field of the
// configuration.
type sniffFlags struct {
	cfg                              sniff.Config
	times, numeric, hex, hexASCII    int
	dump                             int
	list, notPromiscuous             bool
	snap, bufferKiB, millions, every int
	direction, format, filterFile    string
	follow                           int
}

// sniffCommand is "sonde sniff".
func sniffCommand() *cobra.Command {
	f := &sniffFlags{}
	cmd := &cobra.Command{
		Use:   "sniff [flags] [FILTER]",
		Short: "Capture packets and show them, or the HTTP in them",
		Long: `Captures packets on a network interface, or reads them from a file, and prints a
line a packet. Letters and lines are tcpdump's, and so is the language of FILTER.

Capturing needs the capability CAP_NET_RAW. What is not needed any more is given
up once the capture is open. Interrupt (Ctrl-C) ends it and prints the counts;
SIGUSR1 prints them while it goes on.

Credentials are not printed unless --secrets asks for them. With --json standard
output holds one object a packet, or, with --http, one an exchange.`,
		Example: `  sonde sniff -i lo -n tcp port 8080
  sonde sniff -i any --http
  sonde sniff -w out.pcapng --keylog keys.txt port 443
  sonde sniff -r out.pcapng --http --json | jq .status`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.declare(cmd)
	return cmd
}

func (f *sniffFlags) declare(cmd *cobra.Command) {
	s, c, style := cmd.Flags(), &f.cfg, &f.cfg.Style
	s.SortFlags = false
	s.StringVarP(&c.Interface, "interface", "i", "", "capture on this interface, its number in -D, or any")
	s.BoolVarP(&f.list, "list-interfaces", "D", false, "list the interfaces and stop")
	s.StringVarP(&c.Read, "read", "r", "", "read packets from `FILE`, - is standard input")
	s.StringVarP(&c.Write, "write", "w", "", "write packets to `FILE` instead of printing them, - is standard output")
	s.StringVar(&f.format, "format", "", "format of that file: pcapng, pcap or pcap-us (otherwise by its name)")
	s.Uint64VarP(&c.Count, "packets", "c", 0, "stop after `N` packets")
	s.BoolVar(&c.CountOnly, "count", false, "print only how many packets there were")
	s.IntVarP(&f.snap, "snapshot-length", "s", 0, "keep this many `BYTES` of each packet (0 is 262144)")
	s.IntVarP(&f.bufferKiB, "buffer-size", "B", 0, "ring of so many `KIB` (0 is 8192)")
	s.BoolVarP(&f.notPromiscuous, "no-promiscuous-mode", "p", false, "do not ask for packets to other hosts")
	s.StringVarP(&f.direction, "direction", "Q", "inout", "in, out or inout")
	s.StringVarP(&f.filterFile, "filter-file", "F", "", "read the filter from `FILE`")
	s.CountVarP(&f.dump, "dump-filter", "d", "print the filter's program and stop; -dd in C, -ddd as numbers")
	s.CountVarP(&f.numeric, "numeric", "n", "print addresses and ports as numbers")
	s.CountVarP(&f.times, "time", "t", "-t no time, -tt Unix, -ttt difference, -tttt date, -ttttt since the first")
	s.BoolVar(&style.Nano, "nano", false, "print nanoseconds")
	s.BoolVarP(&style.Link, "link", "e", false, "print the link-layer header")
	s.CountVarP(&style.Verbose, "verbose", "v", "print more; -vv, -vvv still more")
	s.BoolVarP(&style.Quiet, "quiet", "q", false, "print less about protocols")
	s.BoolVarP(&style.Absolute, "absolute-tcp-sequence-numbers", "S", false, "print TCP sequence numbers as they are")
	s.BoolVarP(&style.Numbers, "number", "#", false, "print packet numbers")
	s.BoolVarP(&style.ASCII, "ascii", "A", false, "print packets as text")
	s.CountVarP(&f.hex, "hex", "x", "print packets in hexadecimal; -xx with the link-layer header")
	s.CountVarP(&f.hexASCII, "hex-ascii", "X", "print packets in hexadecimal and as text; -XX with the link-layer header")
	s.IntVarP(&f.millions, "file-size", "C", 0, "begin a new file after so many `MILLION` bytes")
	s.IntVarP(&f.every, "rotate-seconds", "G", 0, "begin a new file after `SECONDS`; its name is a pattern for strftime")
	s.IntVarP(&c.File.Keep, "file-count", "W", 0, "keep so many files")
	s.BoolVarP(&c.LineBuffered, "line-buffered", "l", false, "write each line as it comes")
	s.BoolVarP(&c.PacketBuffered, "packet-buffered", "U", false, "write each packet to the file as it comes")
	s.StringVarP(&c.User, "relinquish-privileges", "Z", "", "become this `USER` once the capture is open")
	s.BoolVar(&c.HTTP, "http", false, "print a line an HTTP exchange instead of packets")
	s.IntVar(&f.follow, "follow", 0, "print the bytes of TCP connection `N`, counted from 0")
	s.StringVar(&c.KeyLog, "keylog", "", "decrypt TLS with the secrets in `FILE` (SSLKEYLOGFILE), and keep them with -w")
	s.BoolVar(&c.JSON, "json", false, "write JSON")
	s.BoolVar(&style.Secrets, "secrets", false, "print credentials too")
	cmd.MarkFlagFilename("read")
	cmd.MarkFlagFilename("write")
	cmd.MarkFlagFilename("keylog")
}

func (f *sniffFlags) run(cmd *cobra.Command, args []string) error {
	if f.list {
		return failed(sniff.ListDevices(cmd.OutOrStdout()))
	}
	if err := f.fill(cmd, args); err != nil {
		return err
	}
	if f.dump > 0 {
		return sniffError(f.dumpFilter())
	}
	signal.Ignore(syscall.SIGPIPE) // a reader that stops ends it by an error of write, which is none
	defer signal.Reset(syscall.SIGPIPE)
	return sniffError(f.capture(cmd.Context()))
}

// sniffError tells what was asked wrongly from what failed.
func sniffError(err error) error {
	var expression *filter.Error
	if errors.Is(err, sniff.ErrConfig) || errors.As(err, &expression) {
		return err
	}
	return failed(err)
}

func (f *sniffFlags) capture(ctx context.Context) error {
	report, end := sniff.ReportSignal()
	defer end()
	f.cfg.Report = report
	err := sniff.Run(ctx, f.cfg)
	if advice := sniff.Advice(err); advice != "" && f.cfg.Read == "" {
		return fmt.Errorf("%w\n%s", err, advice)
	}
	return err
}

// fill turns flags into the configuration.
func (f *sniffFlags) fill(cmd *cobra.Command, args []string) error {
	c := &f.cfg
	c.Out, c.Err = cmd.OutOrStdout(), cmd.ErrOrStderr()
	out, ok := c.Out.(*os.File)
	terminal := ok && isTerminal(out)
	c.Colour = terminal && os.Getenv("NO_COLOR") == ""
	c.LineBuffered = c.LineBuffered || terminal
	if err := f.bounds(terminal); err != nil {
		return err
	}
	c.Compile, c.Filter = compileFilter, strings.Join(args, " ")
	if f.filterFile != "" {
		text, err := os.ReadFile(f.filterFile)
		if err != nil {
			return failed(err)
		}
		c.Filter = filterText(string(text))
	}
	c.Following, c.Follow = cmd.Flags().Changed("follow"), f.follow
	c.Style.Time = sniff.TimeStyle(min(f.times, int(sniff.TimeOffset)))
	c.Style.Numeric, c.Style.Hex, c.Style.HexASCII = f.numeric > 0, f.hex, f.hexASCII
	c.Capture.SnapLen, c.Capture.RingSize = f.snap, f.bufferKiB<<10
	if !f.notPromiscuous {
		c.Capture.Promiscuous = capture.PromiscuousMember
	}
	c.File.MaxSize, c.File.Every = int64(f.millions)*1e6, time.Duration(f.every)*time.Second
	return f.words()
}

// bounds refuses numbers that mean nothing, and two things on one output.
func (f *sniffFlags) bounds(terminal bool) error {
	for _, n := range []struct {
		flag  string
		value int
	}{
		{"--snapshot-length", f.snap}, {"--buffer-size", f.bufferKiB}, {"--file-size", f.millions},
		{"--rotate-seconds", f.every}, {"--file-count", f.cfg.File.Keep}, {"--follow", f.follow},
	} {
		if n.value < 0 {
			return fmt.Errorf("%s is not negative: %d", n.flag, n.value)
		}
	}
	switch {
	case f.snap > capture.MaxSnapLen:
		return fmt.Errorf("--snapshot-length is at most %d: %d", capture.MaxSnapLen, f.snap)
	case f.bufferKiB > capture.MaxRingSize>>10:
		return fmt.Errorf("--buffer-size is at most %d: %d", capture.MaxRingSize>>10, f.bufferKiB)
	case f.rotates() && f.cfg.Write == "":
		return fmt.Errorf("-C, -G and -W are about the files that -w writes")
	case f.rotates() && f.cfg.Write == "-":
		return fmt.Errorf("standard output cannot be rotated: give -w a file")
	case f.cfg.File.Keep > 0 && f.millions == 0 && f.every == 0:
		return fmt.Errorf("-W needs -C or -G, which begin new files")
	case f.cfg.Write != "-":
	case f.cfg.HTTP:
		return fmt.Errorf("-w - and --http both want standard output: write to a file")
	case terminal:
		return fmt.Errorf("-w - writes packets as they are, which is nothing for a terminal: redirect it")
	}
	return nil
}

// filterText is the filter in a file's text, without comments: as with tcpdump
// they begin with # and end with the line.
func filterText(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		b.WriteString(strings.TrimSpace(line) + " ")
	}
	return strings.TrimSpace(b.String())
}

func (f *sniffFlags) rotates() bool { return f.millions > 0 || f.every > 0 || f.cfg.File.Keep > 0 }

// words reads the flags that take one word of a few.
func (f *sniffFlags) words() error {
	switch f.direction {
	case "in":
		f.cfg.Capture.Direction = capture.In
	case "out":
		f.cfg.Capture.Direction = capture.Out
	case "inout":
	default:
		return fmt.Errorf("--direction is in, out or inout, not %q", f.direction)
	}
	switch f.format {
	case "":
		f.cfg.File.Format = capture.FormatOf(f.cfg.Write)
	case "pcapng":
		f.cfg.File.Format = capture.PCAPNG
	case "pcap":
		f.cfg.File.Format = capture.PCAP
	case "pcap-us":
		f.cfg.File.Format = capture.PCAPMicro
	default:
		return fmt.Errorf("--format is pcapng, pcap or pcap-us, not %q", f.format)
	}
	return nil
}

// compileFilter is the filter language.
func compileFilter(expression string, link capture.LinkType, snapLen int, live bool) (sniff.Program, error) {
	l, ok := filter.LinkTypeFromPcap(uint32(link))
	if !ok {
		return nil, fmt.Errorf("there are no filters for %s", link.Description())
	}
	p, err := filter.Compile(expression, filter.Options{LinkType: l, SnapLen: snapLen, Live: live})
	if err != nil {
		return nil, err
	}
	return p, nil
}
