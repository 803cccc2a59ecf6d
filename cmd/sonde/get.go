package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sonde"
	"sonde/trace"
)

// getCommand is the flags of sonde get, which mean what curl's mean.
type getCommand struct {
	requestFlags
	transferFlags
	output    string
	include   bool
	showError bool
	fail      bool
	verbose   bool
}

func newGet(std streams) *cobra.Command {
	c := &getCommand{requestFlags: requestFlags{std: std}}
	cmd := &cobra.Command{
		Use:   "get URL",
		Short: "Send a request and write the response's body",
		Long: `Sends one request and writes the response's body to standard output as it comes.
The flags are curl's and mean the same. A URL without a scheme gets http://.

Every status is accepted, unless -f is given. Redirects are followed with -L.

Exit codes, as curl's:
   2 wrong usage            18 body cut short        28 timeout
   3 malformed URL          22 status >= 400 (-f)    35 TLS
   6 name not resolved      23 writing failed        52 empty reply
   7 not connected          26 reading failed        55 sending failed
   8 not an HTTP answer        (-d @FILE, -T)        56 receiving failed,
  33 no such range (-C)     61 not decompressed
   5 proxy not resolved     77 --proxy-cacert           or a proxy's refusal
                            97 SOCKS failed
   1 another scheme         47 too many redirects    60 certificate`,
		Example: `  sonde get -i localhost:8080
  sonde get -d name=sonde -d @more.txt https://example.com/form
  sonde get -fsS -m 10 -o page.html https://example.com/
  sonde get -T backup.tar http://localhost:8080/store/
  sonde get -v -X DELETE -H 'Authorization: Bearer …' https://example.com/item/1`,
		Args: oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0])
		},
	}
	c.requestFlags.addTo(cmd)
	f := cmd.Flags()
	c.transferFlags.addTo(f)
	f.StringVarP(&c.output, "output", "o", "", "write to `FILE`, - for standard output even if it is a terminal")
	f.BoolVarP(&c.include, "include", "i", false, "write the response's head too (-I does as well)")
	f.BoolVarP(&c.silent, "silent", "s", false, "write neither progress nor errors")
	f.BoolVarP(&c.showError, "show-error", "S", false, "with -s, write errors all the same")
	f.BoolVarP(&c.fail, "fail", "f", false, "exit with 22 and no output when the status is 400 or more")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "tell on standard error what happens: connection, request and response heads")
	cmd.MarkFlagFilename("output")
	cmd.MarkFlagsMutuallyExclusive("range", "continue-at")
	return cmd
}

func (c *getCommand) run(ctx context.Context, rawURL string) error {
	req, err := c.request(rawURL)
	if err == nil {
		err = c.send(ctx, req)
	}
	if err == nil {
		return nil
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return usage.error
	}
	code := curlCode(ctx, err)
	var refused *sonde.ProxyError
	if c.fail && code == curlReceive && errors.As(err, &refused) && refused.Status >= 400 {
		code = curlStatus // for curl it is a status as any other
	}
	if c.silent && !c.showError {
		return &failure{code: code}
	}
	return &failure{code, fmt.Errorf("(%d) %w", code, err)}
}

// send sends the request and writes what comes.
func (c *getCommand) send(ctx context.Context, req *prepared) error {
	out := &output{to: c.std.out, path: c.output, errs: c.std.err}
	defer out.close()
	var story *story
	cfg := c.config(req)
	allowed := cfg.Redirects.Policy
	cfg.Redirects.Policy = func(r *sonde.Redirect) error { // curl shows the heads on the way, too
		story.head(r.Head)
		if err := c.writeHead(out, r.Head); err != nil || allowed == nil {
			return err
		}
		return allowed(r)
	}
	client, err := sonde.New(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	if req.Request, err = c.apply(req.Request, out); err != nil {
		return err
	}
	opts := []sonde.Option{sonde.WithInformational(func(h *sonde.Head) error {
		story.head(h)
		return c.writeHead(out, h)
	})}
	if c.verbose {
		story = newStory(c.std.err)
		opts = append(opts, sonde.WithSink(story))
		ctx = trace.With(ctx, story.hooks())
	}
	err = client.Stream(ctx, req.With(opts...), func(ex *sonde.Exchange) error {
		story.tls(ex.ConnInfo())
		story.head(&ex.Head)
		if c.fail && ex.Status >= 400 {
			return &statusError{ex.Status}
		}
		if err := c.writeHead(out, &ex.Head); err != nil {
			return err
		}
		if complete, err := c.accept(&ex.Head); complete || err != nil {
			return err
		}
		show := newProgress(c.std.err)
		show.quiet = c.silent || c.verbose || out.toTerminal()
		return out.copy(ex.Body, show)
	})
	if err != nil {
		return err
	}
	return out.finish()
}

func (c *getCommand) writeHead(out *output, h *sonde.Head) error {
	if !c.include && !c.headOnly {
		return nil
	}
	return out.head(h)
}
