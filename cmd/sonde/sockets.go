package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sonde/sockets"
)

// socketsCommand is the flags of sonde sockets, and what they come to.
type socketsCommand struct {
	std streams

	tcp, udp, unix, v4, v6  bool
	all, listening          bool
	numeric, resolve        bool
	processes, info, memory bool
	timers, extended, tos   bool
	oneLine, noHeader       bool
	summary, watch, json    bool
	interval                time.Duration
	looks                   int
	source                  string
	queries                 []sockets.Query
	table                   *sockets.Table
	owners                  sockets.Owners
}

func newSockets(std streams) *cobra.Command {
	c := &socketsCommand{std: std}
	cmd := &cobra.Command{
		Use:   "sockets [flags] [FILTER]",
		Short: "List TCP, UDP and Unix sockets with what the kernel knows of them",
		Long: `Lists sockets as ss does, with ss's letters, columns and filters. Without -t, -u
or -x all three kinds are listed; without -a, -l or a state, connected sockets
that are not about to vanish.

FILTER is any number of "state NAME" and "exclude NAME", then an expression:
  sport = :80      dport >= :1024      src 10.0.0.0/8      dst [::1]:443
  dev = lo         and &&    or ||    not !    ( )
The comparisons are = == eq, != ne, < lt, > gt, <= le, >= ge. States are
established syn-sent syn-recv fin-wait-1 fin-wait-2 time-wait closed close-wait
last-ack listening closing bound-inactive, or all connected synchronized bucket
big. The kernel applies the filter (not to Unix sockets, which have no ports).

-s counts instead: sockets per state, and connections per peer. --watch looks
again and again: on a terminal a view that refreshes, elsewhere a line a look.

Where netlink is refused, /proc/net is read, which knows less: a note on standard
error says what is missing. Owners of other users' sockets are seen by root only.

With --json standard output holds one object a socket, a line each; with -s one
object, with --watch one a look. docs/sockets.md describes them.`,
		Example: `  sonde sockets -tan
  sonde sockets -tlnp
  sonde sockets -tino state established 'dport = :443'
  sonde sockets -s 'dst 10.0.0.0/8 and not dport = :22'
  sonde sockets --watch 'sport = :8080 or dport = :8080'
  sonde sockets -tip --json | jq 'select(.info.retransmits_total > 0)'`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	c.declare(cmd)
	return cmd
}

func (c *socketsCommand) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&c.tcp, "tcp", "t", false, "TCP sockets")
	f.BoolVarP(&c.udp, "udp", "u", false, "UDP sockets")
	f.BoolVarP(&c.unix, "unix", "x", false, "Unix sockets")
	f.BoolVarP(&c.v4, "ipv4", "4", false, "IPv4 sockets only")
	f.BoolVarP(&c.v6, "ipv6", "6", false, "IPv6 sockets only")
	f.BoolVarP(&c.all, "all", "a", false, "sockets in every state")
	f.BoolVarP(&c.listening, "listening", "l", false, "listening and unconnected sockets only")
	f.BoolVarP(&c.numeric, "numeric", "n", false, "ports and rates as plain numbers")
	f.BoolVarP(&c.resolve, "resolve", "r", false, "ask name servers for the names of addresses")
	f.BoolVarP(&c.processes, "processes", "p", false, "the processes that hold a socket")
	f.BoolVarP(&c.info, "info", "i", false, "TCP_INFO: round-trip times, windows, bytes, retransmissions")
	f.BoolVarP(&c.memory, "memory", "m", false, "memory")
	f.BoolVarP(&c.timers, "options", "o", false, "timers, and with -i the TCP options")
	f.BoolVarP(&c.extended, "extended", "e", false, "-o, and user, inode, cookie, mark, cgroup, directions shut down")
	f.BoolVar(&c.tos, "tos", false, "type of service and traffic class")
	f.BoolVarP(&c.oneLine, "oneline", "O", false, "one line a socket")
	f.BoolVarP(&c.noHeader, "no-header", "H", false, "no heading")
	f.BoolVarP(&c.summary, "summary", "s", false, "count sockets per state and connections per peer")
	f.BoolVar(&c.watch, "watch", false, "look again and again, until interrupted")
	f.DurationVar(&c.interval, "interval", time.Second, "between two looks of --watch")
	f.IntVar(&c.looks, "looks", 0, "end --watch after `N` looks (0: never)")
	f.StringVar(&c.source, "source", "auto", "auto, netlink or proc")
	f.BoolVar(&c.json, "json", false, "write JSON")
}

func (c *socketsCommand) run(ctx context.Context, args []string) error {
	source, err := c.check()
	if err != nil {
		return err
	}
	if err := c.plan(strings.Join(args, " ")); err != nil {
		return err
	}
	c.timers = c.timers || c.extended // as with ss
	// Every look is to be as fresh as its sockets.
	c.owners.MaxAge = time.Nanosecond
	c.table, err = sockets.Open(sockets.Config{Source: source, Owners: &c.owners})
	if err != nil {
		return failed(err)
	}
	defer c.table.Close()
	switch {
	case c.watch:
		err = c.runWatch(ctx)
	case c.summary:
		err = c.runSummary(ctx)
	default:
		err = c.runList(ctx)
	}
	c.notes()
	return failed(err)
}

// check refuses flags that contradict each other.
func (c *socketsCommand) check() (sockets.Source, error) {
	switch {
	case c.v4 && c.v6:
		return 0, fmt.Errorf("-4 and -6 together leave nothing: without either both are listed")
	case (c.v4 || c.v6) && c.unix && !c.tcp && !c.udp:
		return 0, fmt.Errorf("-x does not go with -4 or -6: Unix sockets have no IP addresses")
	case c.watch && c.summary:
		return 0, fmt.Errorf("--watch counts already: it does not go with -s")
	case c.interval <= 0:
		return 0, fmt.Errorf("--interval must be more than 0")
	case c.looks < 0:
		return 0, fmt.Errorf("--looks must not be negative")
	case c.looks > 0 && !c.watch:
		return 0, fmt.Errorf("--looks is for --watch")
	}
	for _, source := range []sockets.Source{sockets.SourceAuto, sockets.SourceNetlink, sockets.SourceProc} {
		if c.source == source.String() {
			return source, nil
		}
	}
	return 0, fmt.Errorf("--source is auto, netlink or proc, not %q", c.source)
}

// liveStates are those that ss lists when it is not told which.
const liveStates = sockets.ConnectedStates &^ sockets.BucketStates

// plan makes the queries: one for each protocol.
func (c *socketsCommand) plan(filter string) error {
	q, err := sockets.ParseQuery(filter)
	if err != nil {
		return err
	}
	switch {
	case c.v4:
		q.Family = sockets.IPv4
	case c.v6:
		q.Family = sockets.IPv6
	}
	q.Detail = c.detail()
	any := c.tcp || c.udp || c.unix
	for _, proto := range []struct {
		proto  sockets.Proto
		chosen bool
		states sockets.StateSet
	}{
		{sockets.TCP, c.tcp || !any, liveStates},
		{sockets.UDP, c.udp || !any, sockets.StatesOf(sockets.Established)},
		// Unix sockets have neither ports nor addresses to ask for.
		{sockets.Unix, c.unix || !any && q.Family == 0 && q.Filter.String() == "", liveStates},
	} {
		if !proto.chosen {
			continue
		}
		mine := q
		mine.Proto = proto.proto
		switch {
		case q.States != 0:
		case c.all || c.summary || c.watch:
			mine.States = sockets.EveryState
		case c.listening:
			mine.States = sockets.StatesOf(sockets.Listen, sockets.Closed)
		default:
			mine.States = proto.states
		}
		c.queries = append(c.queries, mine)
	}
	return nil
}

// detail is what the letters ask for beyond addresses and states.
func (c *socketsCommand) detail() sockets.Detail {
	if c.summary || c.watch {
		return 0
	}
	var d sockets.Detail
	for _, ask := range []struct {
		asked  bool
		detail sockets.Detail
	}{
		{c.info, sockets.DetailInfo | sockets.DetailCongestion},
		{c.memory, sockets.DetailMemory},
		{c.extended, sockets.DetailShutdown},
		{c.tos, sockets.DetailTOS},
		{c.processes, sockets.DetailOwner},
	} {
		if ask.asked {
			d |= ask.detail
		}
	}
	return d
}

// notes says on standard error what could not be seen.
func (c *socketsCommand) notes() {
	if c.table.Source() == sockets.SourceProc {
		lost := "TCP_INFO, memory, congestion control, cookies and peers of Unix sockets are missing"
		fmt.Fprintf(c.std.err, "sonde sockets: read from /proc/net: %s\n", lost)
	}
	if hidden := c.owners.Hidden(); c.processes && hidden > 0 {
		fmt.Fprintf(c.std.err, "sonde sockets: %d processes of others could not be looked into; root can\n", hidden)
	}
}
