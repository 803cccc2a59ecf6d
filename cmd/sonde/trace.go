package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sonde"
	"sonde/har"
	"sonde/trace"
)

// traceCommand is the flags of sonde trace.
type traceCommand struct {
	requestFlags
	n         int
	events    bool
	json      bool
	har       string
	harBodies bool
	otlp      string
	pcap      string
}

func newTrace(std streams) *cobra.Command {
	c := &traceCommand{requestFlags: requestFlags{std: std}}
	cmd := &cobra.Command{
		Use:   "trace URL",
		Short: "Show where the time of a request goes",
		Long: `Sends a request and shows what happened as bars on one axis of time: looking the
name up, each attempt to connect, TLS, sending, waiting, receiving; and behind it
the connection, what TLS agreed on, sizes, and what the kernel knows of the
socket. The response's body is read and thrown away. Where packets can be seen
(CAP_NET_RAW), those of the request stand below; --pcap keeps them.

The flags of the request are those of "sonde get". A URL without a scheme gets
http://. Every status is accepted. Redirects are followed with -L and failures repeated with
--retry, each attempt with its own bars.

With -n the others are shown beside the first: what a kept connection saves.

Exit codes: 0 there was a response, 1 there was none, or not all of one, or it
could not be written down as --har, --otlp or --pcap ask, 2 wrong usage.`,
		Example: `  sonde trace https://example.com/
  sonde trace -n 20 localhost:8080
  sonde trace --events -d name=sonde https://example.com/form
  sonde trace --json localhost:8080 | jq -r .kind
  sonde trace --har call.har --otlp http://localhost:4318 localhost:8080`,
		Args: oneURL,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args[0]) },
	}
	c.addTo(cmd)
	f := cmd.Flags()
	f.IntVarP(&c.n, "requests", "n", 1, "send `N` requests, one after the other")
	f.BoolVar(&c.events, "events", false, "write the events as a transcript, as they happen, instead of the picture")
	f.BoolVar(&c.json, "json", false, "write the events as JSON, one a line (docs/trace-events.md has the schema)")
	f.StringVar(&c.har, "har", "", "write a HAR archive to `FILE`, - for standard output instead of the picture")
	f.BoolVar(&c.harBodies, "har-bodies", false, "keep bodies in it, the first 256 KiB of each")
	f.StringVar(&c.otlp, "otlp", "", "send spans to the collector at `URL` by OTLP/HTTP, such as http://localhost:4318")
	f.StringVar(&c.pcap, "pcap", "", "write the packets to `FILE` (pcapng), named by their requests, with what decrypts them")
	cmd.MarkFlagsMutuallyExclusive("events", "json")
	cmd.MarkFlagFilename("pcap")
	cmd.MarkFlagFilename("har")
	return cmd
}

// check finds what is wrong with the flags, and makes the request.
func (c *traceCommand) check(rawURL string) (*prepared, error) {
	req, err := c.request(rawURL)
	var (
		usage  *usageError
		noURL  *urlError
		scheme *schemeError
	)
	switch {
	case errors.As(err, &usage):
		return nil, usage.error
	case errors.As(err, &noURL), errors.As(err, &scheme):
		return nil, err
	case err != nil:
		return nil, failed(err)
	case c.n < 1:
		return nil, errors.New("-n must be at least 1")
	case c.n > 1 && req.once:
		return nil, errors.New("standard input can be sent only once: -n needs a file")
	case c.harBodies && c.har == "":
		return nil, errors.New("--har-bodies is for --har")
	case c.har == "-" && (c.events || c.json):
		return nil, errors.New("standard output is for one thing only: --har -, --events or --json")
	case c.otlp == "":
		return req, nil
	}
	c.otlp = withScheme(c.otlp)
	if _, err := httpURL(c.otlp); err != nil {
		return nil, fmt.Errorf("--otlp: %w", err)
	}
	return req, nil
}

// run sends the requests, shows them, and writes what else is asked for, whatever
// became of them.
func (c *traceCommand) run(ctx context.Context, rawURL string) error {
	req, err := c.check(rawURL)
	if err != nil {
		return err
	}
	t := &tracer{flags: c, req: req, show: newProgress(c.std.err)}
	cfg := c.config(req)
	cfg.Sink = trace.Tee(&t.recorder, t.transcript())
	if c.har != "" {
		t.har = har.New(har.Config{RequestBodies: c.harBodies, ResponseBodies: c.harBodies})
		cfg.Middleware = []sonde.Middleware{t.har.Middleware}
	}
	if t.packets, err = c.listen(req, &cfg); err != nil {
		return failed(err)
	}
	if t.client, err = sonde.New(cfg); err != nil {
		t.packets.stop()
		return failed(err)
	}
	err = t.requests(ctx)
	t.client.Close()
	t.packets.stop()
	t.packets.join()
	t.show.clear()
	if !c.events && !c.json && c.har != "-" {
		t.picture()
	}
	switch {
	case ctx.Err() != nil:
		err = errors.New("interrupted; this is what happened until then")
	case err == nil:
		err = t.written()
	}
	if c.pcap != "" {
		err = errors.Join(err, t.packets.writePcap(c.pcap))
	}
	return failed(errors.Join(err, t.archive(), t.export(ctx)))
}

// archive writes what --har asks for.
func (t *tracer) archive() error {
	switch t.flags.har {
	case "":
		return nil
	case "-":
		_, err := t.har.WriteTo(t.flags.std.out)
		return err
	}
	return t.har.WriteFile(t.flags.har)
}

// transcript is the sink of --events and --json; nil without them.
func (t *tracer) transcript() trace.Sink {
	switch {
	case t.flags.events:
		text := trace.NewText(t.flags.std.out)
		t.written = text.Err
		return text
	case t.flags.json:
		lines := trace.NewJSONLines(plainJSON{t.flags.std.out})
		t.written = lines.Err
		return lines
	}
	t.written = func() error { return nil }
	return nil
}

// plainJSON writes JSON with escapes for what could steer a terminal: the encoder
// leaves everything from U+007F on as it is.
type plainJSON struct{ to *os.File }

func (p plainJSON) Write(line []byte) (int, error) {
	var out []byte
	for _, r := range string(line) {
		switch {
		case harmless(r):
			out = append(out, string(r)...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, string(r)...) // no control has such a number
		}
	}
	if _, err := p.to.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}
