// Command bench measures sonde beside other HTTP clients, and all of them beside
// the raw limit: a loop that does nothing but write the request's bytes and read
// the answer's. README.md says what the columns mean and how far to trust them.
//
//	go run . -quick
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"time"

	"sonde/bench/internal/serve"
	"sonde/bench/internal/sock"
	"sonde/bench/internal/tap"
	"sonde/lab"
)

func main() {
	if done, err := child(); done {
		exit(err)
	}
	exit(run())
}

func exit(err error) {
	if ending.Err() != nil {
		select {} // what was interrupted has nothing to say: see newScratch
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs what this binary is when a bench has started it.
func child() (bool, error) {
	if kind := os.Getenv(serve.ChildEnv); kind != "" {
		return true, serve.Main(kind, os.Args[1])
	}
	if kind := os.Getenv(tap.ChildEnv); kind != "" {
		return true, tap.Main(kind, os.Args[1:])
	}
	if kind := os.Getenv(sock.ChildEnv); kind != "" {
		return true, sock.Main(kind, os.Args[1:])
	}
	if os.Getenv(idleEnv) != "" {
		return true, idleChild(os.Args[1:])
	}
	return false, nil
}

// flags of the command line.
type flags struct {
	quick, json, list bool
	lab               bool
	row, only, server string
	profile           string
	budget, slice     time.Duration
}

func parseFlags() *flags {
	f := new(flags)
	flag.BoolVar(&f.quick, "quick", false, "be done within two minutes, instead of twenty")
	flag.BoolVar(&f.json, "json", false, "write JSON instead of Markdown")
	flag.BoolVar(&f.list, "list", false, "list the rows and do nothing")
	flag.BoolVar(&f.lab, "lab", false, "run the experiments of sonde lab, by fasthttp and curl too, and do nothing else")
	flag.StringVar(&f.row, "row", "", "only rows whose name matches this `regexp`")
	flag.StringVar(&f.only, "only", "", "only clients whose name matches this `regexp`, beside raw (without it when profiling)")
	flag.StringVar(&f.server, "server", serve.Epoll, "the server: epoll, goroutines or nginx")
	flag.StringVar(&f.profile, "cpuprofile", "", "write a CPU profile to this `file`; samples carry the label client")
	flag.DurationVar(&f.budget, "budget", 0, "time for one row instead of the usual one")
	flag.DurationVar(&f.slice, "slice", 0, "length of one slice instead of the usual one")
	flag.Parse()
	return f
}

func run() error {
	f := parseFlags()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if f.budget < 0 || f.slice < 0 {
		return errors.New("a budget or a slice cannot be negative")
	}
	if f.lab {
		return runLab(context.Background(), os.Stdout, lab.Config{})
	}
	chosen, err := choose(rows(), f.row)
	if err != nil {
		return err
	}
	if f.list {
		for _, r := range chosen {
			fmt.Printf("%-18s %s\n", r.name, r.title)
		}
		return nil
	}
	e := full()
	if f.quick {
		e = quick()
	}
	e.budget, e.slice = f.budget, cmp.Or(f.slice, e.slice)
	if e.only, err = regexp.Compile(f.only); err != nil {
		return err
	}
	e.alone = f.profile != "" && f.only != ""
	tmp, err := newScratch()
	if err != nil {
		return err
	}
	defer tmp.remove()
	if e.site, err = serve.Start(f.server, e.size); err != nil {
		return err
	}
	defer e.site.Close()
	tmp.site.Store(e.site)
	if f.profile != "" {
		stop, err := profile(f.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	return report(os.Stdout, os.Stderr, f, e, chosen)
}

// choose keeps the rows whose names match.
func choose(all []row, pattern string) ([]row, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r row) bool { return !re.MatchString(r.name) })
	if len(all) == 0 {
		return nil, fmt.Errorf("no row matches %q; -list lists them", pattern)
	}
	return all, nil
}

func profile(path string) (stop func(), err error) {
	out, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		out.Close()
	}, nil
}
