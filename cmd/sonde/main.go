// Command sonde shows what really happens to an HTTP request.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err *os.File
}

// The exit codes of every command but get, which has curl's.
const (
	exitFine   = 0
	exitFailed = 1 // what was asked failed
	exitUsage  = 2
)

// failure is the error of a command that was asked rightly. A nil err was told
// already.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitFailed, err}
}

// run is main without the process. Errors that are no failure are cobra's, or
// about arguments.
func run(args []string, std streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends the process at once

	root := newRoot(std)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var f *failure
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &f):
		if f.err != nil {
			tell(std.err, cmd, f)
		}
		return f.code
	}
	tell(std.err, cmd, err)
	fmt.Fprintf(std.err, "%q says more.\n", cmd.CommandPath()+" --help")
	return exitUsage
}

// tell writes an error behind the command's name. A package that is named as its
// command does not name itself once more.
func tell(w io.Writer, cmd *cobra.Command, err error) {
	text := strings.TrimPrefix(err.Error(), cmd.Name()+": ")
	fmt.Fprintf(w, "%s: %s\n", cmd.CommandPath(), printable(text))
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "sonde",
		Short: "See through HTTP requests, from the call to the socket",
		Long: `sonde shows what really happens to an HTTP request, from the call to the socket.

Results go to standard output, all else to standard error. Without a terminal,
and when NO_COLOR is set, there is no colour.

Exit codes: 0 fine, 1 what was asked failed, 2 wrong usage; get has curl's.`,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(suggestFlag)
	root.AddCommand(newGet(std), newTrace(std), newLab(std), sniffCommand(), newWatch(std), newSockets(std))
	return root
}
