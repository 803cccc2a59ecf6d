package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/valyala/fasthttp"

	"sonde/lab"
)

// fastHTTP is fasthttp under the experiments of sonde lab, which cannot link it. It
// has no body to forget: Do returns when the response has been read.
func fastHTTP() lab.Contender {
	return lab.Contender{
		Name: "fasthttp",
		Open: func(experiment string, goroutines int) (lab.Subject, error) {
			f := &fastSubject{each: experiment == "connection-each", used: map[string]bool{}}
			f.client.Dial = f.dial
			if experiment == "concurrent-tuned" {
				f.client.MaxConnsPerHost = goroutines
			}
			return f, nil
		},
		Expect: func(experiment string, requests, goroutines int) lab.Expectation {
			switch experiment {
			case "connection-each":
				return lab.Expectation{Min: requests, Max: requests}
			case "sequential-undrained", "sequential-drained":
				return lab.Expectation{Min: 1, Max: 1}
			}
			return lab.Expectation{Min: 1, Max: goroutines}
		},
	}
}

// fastSubject counts the connections that it dials.
type fastSubject struct {
	client fasthttp.Client
	each   bool // requests ask for a connection of their own

	mu   sync.Mutex
	said lab.Account
	used map[string]bool // connections that have carried a request
}

func (f *fastSubject) dial(addr string) (net.Conn, error) {
	f.count(func(a *lab.Account) { a.Dialing++ })
	c, err := net.Dial("tcp", addr)
	f.count(func(a *lab.Account) {
		if a.Dialing--; err == nil {
			a.Opened++
		}
	})
	return c, err
}

func (f *fastSubject) count(change func(*lab.Account)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.said)
}

// Get is one request.
func (f *fastSubject) Get(_ context.Context, url string) (lab.Visit, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(url)
	if f.each {
		req.SetConnectionClose()
	}
	if err := f.client.Do(req, resp); err != nil {
		return lab.Visit{}, err
	}
	v := lab.Visit{Connection: resp.LocalAddr().String()}
	f.mu.Lock()
	defer f.mu.Unlock()
	v.Reused, f.used[v.Connection] = f.used[v.Connection], true
	return v, nil
}

// Account is what dial counted; fasthttp gives no reasons.
func (f *fastSubject) Account() lab.Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said
}

// Close closes idle connections, which all are by then.
func (f *fastSubject) Close() { f.client.CloseIdleConnections() }

// runLab runs the experiments by net/http, sonde, fasthttp and, if it is there,
// curl, and writes who opened how many connections and what the packets are
// judged to be.
func runLab(ctx context.Context, to io.Writer, cfg lab.Config) error {
	cfg.Also = []lab.Contender{fastHTTP()}
	if curl, ok := lab.Curl(); ok {
		cfg.Also = append(cfg.Also, curl)
	}
	l, err := lab.New(cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "experiment\tclient\trequests\texpected\tclient\tserver\tkernel\twire\tmedian\tverdict")
	for r, err := range l.Run(ctx) {
		if err != nil {
			return err
		}
		n := r.Connections
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.Experiment, r.Client, r.Requests, r.Expected, n.Client, n.Server,
			counted(n.Kernel), counted(n.Wire), r.Time.Median, judged(&r))
	}
	return t.Flush()
}

// counted is what a witness counted, if it could.
func counted(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// judged is what sonde watch would say.
func judged(r *lab.Result) string {
	switch {
	case r.Verdict == nil:
		return "-"
	case r.Verdict.Healthy:
		return "healthy"
	}
	var causes []string
	for _, c := range r.Verdict.Causes {
		causes = append(causes, string(c.Cause))
	}
	return strings.Join(causes, ", or ")
}
