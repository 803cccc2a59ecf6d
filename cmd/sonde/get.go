package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sonde"
)

// getCommand is the flags of sonde get, which mean what curl's mean.
type getCommand struct {
	std       streams
	method    string
	headers   []string
	data      []string
	upload    string
	output    string
	include   bool
	headOnly  bool
	silent    bool
	showError bool
	fail      bool
	insecure  bool
	maxTime   float64
	verbose   bool
}

func newGet(std streams) *cobra.Command {
	c := &getCommand{std: std}
	cmd := &cobra.Command{
		Use:   "get URL",
		Short: "Send a request and write the response's body",
		Long: `Sends one request and writes the response's body to standard output as it comes.
The flags are curl's and mean the same. A URL without a scheme gets http://.

Every status is accepted, unless -f is given. Redirects are not followed.

Exit codes, as curl's:
   2 wrong usage            18 body cut short        28 timeout
   3 malformed URL          22 status >= 400 (-f)    35 TLS
   6 name not resolved      23 writing failed        52 empty reply
   7 not connected          26 reading failed        55 sending failed
   8 not an HTTP answer        (-d @FILE, -T)        56 receiving failed
   1 another scheme                                  60 certificate`,
		Example: `  sonde get -i localhost:8080
  sonde get -d name=sonde -d @more.txt https://example.com/form
  sonde get -fsS -m 10 -o page.html https://example.com/
  sonde get -T backup.tar http://localhost:8080/store/
  sonde get -v -X DELETE -H 'Authorization: Bearer …' https://example.com/item/1`,
		Args: oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], cmd.Flags().Changed("upload-file"))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&c.method, "request", "X", "", "use this `METHOD`")
	f.StringArrayVarP(&c.headers, "header", "H", nil, "send a `FIELD`; \"Name:\" leaves a default out, \"Name;\" is empty, @FILE has many")
	f.StringArrayVarP(&c.data, "data", "d", nil, "send a form with POST: `TEXT`, @FILE without its line ends, or @- for standard input")
	f.StringVarP(&c.upload, "upload-file", "T", "", "upload `FILE` with PUT, - for standard input; its name is added to a URL that ends with /")
	f.StringVarP(&c.output, "output", "o", "", "write to `FILE`, - for standard output even if it is a terminal")
	f.BoolVarP(&c.include, "include", "i", false, "write the response's head too")
	f.BoolVarP(&c.headOnly, "head", "I", false, "send HEAD and write the response's head")
	f.BoolVarP(&c.silent, "silent", "s", false, "write neither progress nor errors")
	f.BoolVarP(&c.showError, "show-error", "S", false, "with -s, write errors all the same")
	f.BoolVarP(&c.fail, "fail", "f", false, "exit with 22 and no output when the status is 400 or more")
	f.BoolVarP(&c.insecure, "insecure", "k", false, "accept any certificate")
	f.Float64VarP(&c.maxTime, "max-time", "m", 0, "take at most so many `SECONDS`")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "tell on standard error what happens: connection, request and response heads")
	cmd.MarkFlagsMutuallyExclusive("data", "upload-file")
	cmd.MarkFlagsMutuallyExclusive("data", "head")
	cmd.MarkFlagsMutuallyExclusive("upload-file", "head")
	cmd.MarkFlagFilename("output")
	cmd.MarkFlagFilename("upload-file")
	return cmd
}

func oneURL(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("a URL is missing")
	case 1:
		return nil
	}
	return fmt.Errorf("one URL at a time: %q is one too many", args[1])
}

func (c *getCommand) run(ctx context.Context, rawURL string, upload bool) error {
	if c.maxTime < 0 {
		return errors.New("--max-time must not be negative")
	}
	req, err := c.request(rawURL, upload)
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
	if c.silent && !c.showError {
		return &failure{code: code}
	}
	return &failure{code, fmt.Errorf("(%d) %w", code, err)}
}

// usageError is the error of an argument.
type usageError struct{ error }

func (c *getCommand) client() (*sonde.Client, error) {
	cfg := sonde.Config{
		Accept:   []sonde.Status{sonde.AnyStatus},
		Timeouts: sonde.Timeouts{Call: time.Duration(c.maxTime * float64(time.Second)), BodyIdle: -1},
	}
	if c.insecure {
		cfg.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	return sonde.New(cfg)
}

// send sends the request and writes what comes.
func (c *getCommand) send(ctx context.Context, req *prepared) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	out := &output{to: c.std.out, path: c.output, errs: c.std.err}
	defer out.close()
	var story *story
	opts := []sonde.Option{sonde.WithInformational(func(h *sonde.Head) error {
		story.head(h)
		return c.writeHead(out, h)
	})}
	if c.verbose {
		story = newStory(c.std.err, req)
		opts = append(opts, sonde.WithSink(story))
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

// warn tells of what is odd but no error.
func (c *getCommand) warn(format string, args ...any) {
	if !c.silent {
		fmt.Fprintln(c.std.err, "sonde get: warning: "+printable(fmt.Sprintf(format, args...)))
	}
}

// readInput is the content of a file, or of standard input for "-".
func (c *getCommand) readInput(name string) ([]byte, error) {
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(c.std.in)
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, &inputError{err}
	}
	return data, nil
}

// withScheme is rawURL with http:// where it has no scheme.
func withScheme(rawURL string) string {
	if strings.Contains(rawURL, "://") {
		return rawURL
	}
	return "http://" + rawURL
}
