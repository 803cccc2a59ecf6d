package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sonde/capture/sniff"
)

// watchCommand is the flags of sonde watch.
type watchCommand struct {
	std      streams
	ports    []int
	hosts    []string
	pid      int
	device   string
	read     string
	keylog   string
	html     string
	json     bool
	interval time.Duration
	length   time.Duration
	snap     int
	command  []string

	servers map[netip.Addr]bool // of hosts
	regular bool                // --interval was given
}

func newWatch(std streams) *cobra.Command {
	c := &watchCommand{std: std}
	cmd := &cobra.Command{
		Use:   "watch [flags] [-- COMMAND ARG…]",
		Short: "Say how well connections are reused, and why not",
		Long: `Follows the HTTP connections of a server, a process or a COMMAND that it runs, and
says at the end whether they were reused, and if not, why: what was seen, the
evidence, the fix. It looks from outside, at packets and at the kernel's sockets,
so it works for every program, and for TLS without its keys.

While it lasts a table shows each server: requests a second, connections, how
many requests each carried, states. On a terminal it is written over, elsewhere
there is a line now and then; both go to standard error. It ends with COMMAND,
with the process, with --for, or by an interrupt (Ctrl-C).

Packets need the capability CAP_NET_RAW. Without it the sockets alone are asked,
and the report says what they cannot tell. With -r a capture made elsewhere is
judged; that needs nothing.

With --json standard output holds one object, on one line; what COMMAND writes
goes to standard error then. With --interval there is a line for each interval
before it, {"live":{…}}:
  {"verdict":{"healthy":true|false,"requests":N,"connections":N,"peak":N,
    "causes":[{"cause":"bodies-not-closed|bodies-not-drained|
      idle-pool-too-small|client-per-request|client-asks-close|
      client-idle-timeout|client-gives-up|server-asks-close|
      server-request-limit|server-idle-timeout|server-resets|http10|go-away|
      retries|names-apart|dns-changes|proxy-between",
      "side":"client|server|between","evidence":"…","fix":"…"}],
    "certain":true|false,"limits":["…"]}}
The likeliest cause comes first; peak is requests under way at once. certain is
false where not all was seen, as with sockets alone, when packets were lost, or
with HTTP/2 inside of TLS: then figures are at least so high or estimates, healthy
holds as far as could be seen, and limits, which is left out otherwise, say why.

Exit codes: 0 there is a report, 1 the capture or COMMAND failed (what was seen
is reported all the same), 2 wrong usage.`,
		Example: `  sonde watch --port 8080 -- go test ./client
  sonde watch --host api.example.com --html reuse.html
  sonde watch --pid 4711 --for 1m
  sonde watch -i lo --port 8080 --json -- ./program | jq .verdict.causes
  tcpdump -w out.pcap port 80; sonde watch -r out.pcap`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); len(args) > 0 && dash != 0 {
				return fmt.Errorf("%q: what to run comes behind --", args[0])
			}
			c.command, c.regular = args, cmd.Flags().Changed("interval")
			return c.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntSliceVar(&c.ports, "port", nil, "only servers on port `N` (may be repeated)")
	f.StringArrayVar(&c.hosts, "host", nil, "only the server `HOST`, a name or an address (may be repeated)")
	f.IntVar(&c.pid, "pid", 0, "only the connections of process `P` and its children")
	f.StringVarP(&c.device, "interface", "i", "any", "capture on this interface, its number, or any")
	f.StringVarP(&c.read, "read", "r", "", "judge the packets in `FILE`, - is standard input")
	f.StringVar(&c.keylog, "keylog", "", "look into TLS with the secrets in `FILE` (SSLKEYLOGFILE)")
	f.DurationVar(&c.length, "for", 0, "end after so long")
	f.DurationVar(&c.interval, "interval", time.Second, "refresh the table so often")
	f.IntVarP(&c.snap, "snapshot-length", "s", 4096, "keep so many `BYTES` of each packet (0 is 262144)")
	f.StringVar(&c.html, "html", "", "write a page with the time line of connections to `FILE`")
	f.BoolVar(&c.json, "json", false, "write JSON")
	cmd.MarkFlagFilename("read")
	cmd.MarkFlagFilename("keylog")
	cmd.MarkFlagFilename("html", "html")
	return cmd
}

// check finds what is wrong with the flags.
func (c *watchCommand) check() error {
	for _, p := range c.ports {
		if p < 1 || p > 65535 {
			return fmt.Errorf("--port is from 1 to 65535, not %d", p)
		}
	}
	switch {
	case c.pid < 0:
		return fmt.Errorf("--pid is a process's number, not %d", c.pid)
	case c.interval < 10*time.Millisecond:
		return errors.New("--interval must be at least 10ms")
	case c.length < 0:
		return errors.New("--for must not be negative")
	case c.snap < 0:
		return errors.New("--snapshot-length must not be negative")
	case c.snap > 0 && c.snap < 128:
		return errors.New("--snapshot-length below 128 leaves nothing of HTTP")
	case c.pid > 0 && len(c.command) > 0:
		return errors.New("--pid and a command are two programs: choose one")
	case c.read != "" && (c.pid > 0 || len(c.command) > 0):
		return errors.New("-r reads what was captured before: no --pid and no command with it")
	case c.device == "":
		return errors.New("--interface is empty")
	}
	for _, h := range c.hosts {
		if h == "" {
			return errors.New("--host is empty")
		}
	}
	return nil
}

// run watches, and reports whatever came of it.
func (c *watchCommand) run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	// A reader that stops ends the watch as an interrupt does: dying of the signal
	// would leave COMMAND behind.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGPIPE)
	defer stop()
	if err := c.resolve(ctx); err != nil {
		return failed(err)
	}
	if len(c.command) > 0 {
		if _, err := exec.LookPath(c.command[0]); err != nil {
			return failed(err)
		}
	}
	if err := c.createHTML(); err != nil {
		return failed(err)
	}
	w := &watching{c: c, show: newWatchTable(c)}
	if err := w.open(); err != nil {
		return failed(withAdvice(err))
	}
	err := w.follow(ctx)
	report := w.finish()
	w.show.clear()
	if e := c.write(report); err == nil && !errors.Is(e, syscall.EPIPE) {
		err = e
	}
	return failed(err)
}

// withAdvice adds how to get the privilege that was missing.
func withAdvice(err error) error {
	if advice := sniff.Advice(err); advice != "" {
		return fmt.Errorf("%w\n%s", err, advice)
	}
	return err
}

// createHTML makes the page's file before the watch, which may take long: whether
// it can be written should be known by then.
func (c *watchCommand) createHTML() error {
	if c.html == "" {
		return nil
	}
	f, err := os.Create(c.html)
	if err != nil {
		return err
	}
	return f.Close()
}
