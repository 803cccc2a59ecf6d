package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"sonde/lab"
)

// labCommand is the flags of sonde lab.
type labCommand struct {
	std      streams
	cfg      lab.Config
	interval time.Duration
	hold     time.Duration
	json     bool
	verbose  bool
}

func newLab(std streams) *cobra.Command {
	c := &labCommand{std: std}
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run the experiments on persistent connections",
		Long: `Runs experiments on persistent connections: the same requests by net/http, by
sonde and by curl, if that is installed (7.84 or later), to a real server on
loopback that answers "Hello world" after 50 µs. curl has no body to forget: it
stops behind the head instead; for a connection each it is run for each request.

Every connection is counted by four witnesses that do not know of each other:
the client's own events, the server's accepts, the kernel's table of sockets, and
the SYNs on the wire, which need CAP_NET_RAW. From these packets alone the reuse
is judged too, as by "sonde watch".
The table shows what theory expects beside what was measured, why connections
were opened, and how long a request took.

` + labNames() + `
With --json standard output holds one object; durations are in nanoseconds:
  {"experiments":[{"name":"…","client":"net/http|sonde|curl","requests":N,
    "goroutines":N,"connections":{"client":N,"server":N,"kernel":N,"wire":N},
    "reasons":{"first to this route":N,…},"expected":"…","as_expected":true,
    "states":{"TIME-WAIT":N,…},"time_ns":{"median":N,"mean":N,"max":N},
    "port":N,"verdict":{…}}],"interval":"50ms"}
requests counts those of all goroutines. curl gives no reasons. kernel is null where it cannot be asked,
wire where packets cannot be seen; verdict is that of "sonde watch --json".`,
		Example: `  sonde lab
  sonde lab --only concurrent-default --goroutines 50 -v
  sonde lab --interval 1s --listen :8080 --hold 60s
  sonde lab --json | jq '.experiments[] | [.name, .client, .connections.wire]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&c.interval, "interval", lab.DefaultInterval, "from one request of a goroutine to its next (1s is the classic)")
	f.IntVar(&c.cfg.Requests, "requests", lab.DefaultRequests, "requests of each goroutine")
	f.IntVar(&c.cfg.Goroutines, "goroutines", lab.DefaultGoroutines, "goroutines of the concurrent experiments")
	f.StringSliceVar(&c.cfg.Only, "only", nil, "run only the experiment `NAME` (may be repeated)")
	f.StringVar(&c.cfg.Listen, "listen", "", "run all on this `ADDRESS`, such as :8080 (otherwise each has a free port)")
	f.DurationVar(&c.hold, "hold", 0, "keep the sockets so long, and follow TIME_WAIT down to zero (60s)")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "log each request: number, goroutine, connection")
	f.BoolVar(&c.json, "json", false, "write JSON")
	cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(lab.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func labNames() string {
	var b strings.Builder
	for _, e := range lab.Experiments() {
		fmt.Fprintf(&b, "  %-22s %s\n", e.Name, wrap(e.About, defaultWidth-26, strings.Repeat(" ", 25)))
	}
	return b.String()
}

func (c *labCommand) check() error {
	switch {
	case c.cfg.Requests < 1:
		return fmt.Errorf("--requests must be at least 1")
	case c.cfg.Goroutines < 1:
		return fmt.Errorf("--goroutines must be at least 1")
	case c.interval < 0:
		return fmt.Errorf("--interval must not be negative")
	case c.hold < 0:
		return fmt.Errorf("--hold must not be negative")
	}
	if c.cfg.Interval = c.interval; c.interval == 0 {
		c.cfg.Interval = -1 // none
	}
	c.cfg.Keep = c.hold > 0
	return nil
}

func (c *labCommand) run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	show := newProgress(c.std.err)
	clients := 2
	if curl, ok := lab.Curl(); ok {
		c.cfg.Also = append(c.cfg.Also, curl)
		clients++
	}
	total := 0
	c.follow(show, &total)
	l, err := lab.New(c.cfg)
	if errors.Is(err, lab.ErrConfig) {
		return err
	} else if err != nil {
		return failed(err)
	}
	defer l.Close()
	total = l.Len()

	var tell io.Writer = c.std.out
	if c.json {
		tell = c.std.err
	}
	results, err := c.experiments(ctx, l, clients, show)
	if c.json {
		report := lab.Report{Experiments: results, Interval: c.interval.String(), Interrupted: ctx.Err() != nil}
		if werr := writeJSON(c.std.out, report); err == nil {
			err = werr
		}
	}
	switch {
	case ctx.Err() != nil:
		return failed(errors.New("interrupted; this is what was measured until then"))
	case err != nil || c.hold == 0:
		return failed(err)
	}
	return failed(hold(ctx, l, c.hold, results, tell))
}

// experiments runs them and, unless the result is to be JSON, shows each when
// all clients are done with it.
func (c *labCommand) experiments(ctx context.Context, l *lab.Lab, clients int, show *progress) ([]lab.Result, error) {
	t := newLabTable(c.std.out)
	if !c.json {
		t.head(l)
		if l.URL() != "" {
			byHand(c.std.out, l, nil)
		}
	}
	var all, shown []lab.Result
	var failure error
	for r, err := range l.Run(ctx) {
		if all, failure = append(all, r), err; c.json {
			continue
		}
		if shown = append(shown, r); len(shown) == clients || err != nil {
			show.clear()
			t.experiment(shown)
			shown = nil
		}
	}
	show.clear()
	return all, failure
}

// follow tells on standard error what goes on.
func (c *labCommand) follow(show *progress, total *int) {
	var step int
	var sent atomic.Int64
	now := ""
	c.cfg.OnStart = func(experiment, client string) {
		step++
		sent.Store(0)
		now = fmt.Sprintf("%d/%d %s by %s", step, *total, experiment, client)
		show.step("%s", now)
	}
	c.cfg.OnRequest = func(r lab.Request) {
		n := sent.Add(1)
		if !c.verbose {
			show.update("%s: %d requests", now, n)
			return
		}
		show.clear()
		show.log("%s", requestLine(r))
	}
}

func requestLine(r lab.Request) string {
	if r.Err != nil {
		return fmt.Sprintf("%-8s request %d, goroutine %d: %s", r.Client, r.Number, r.Goroutine, printable(r.Err.Error()))
	}
	state := "new"
	if r.Reused {
		state = "reused"
	}
	return fmt.Sprintf("%-8s request %3d  goroutine %3d  connection %-21s %-6s %9s",
		r.Client, r.Number, r.Goroutine, r.Connection, state, shortTime(r.Time))
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
