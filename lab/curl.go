package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The first version with --rate.
const (
	curlMajor = 7
	curlMinor = 84
)

// Curl returns the curl of this machine as a Contender; false if there is none
// that is young enough (7.84). Its own account is what --write-out says.
//
// curl has no body to forget: where the others forget it, it stops behind the
// head. It keeps the interval where requests come one after another; at once it
// sends as fast as it can. For a connection each a process is started for every
// request, as loops in shell scripts do.
func Curl() (Contender, bool) {
	path, err := exec.LookPath("curl")
	if err != nil {
		return Contender{}, false
	}
	out, err := exec.Command(path, "-q", "--version").Output()
	var major, minor int
	if _, scan := fmt.Sscanf(string(out), "curl %d.%d", &major, &minor); err != nil || scan != nil ||
		major < curlMajor || major == curlMajor && minor < curlMinor {
		return Contender{}, false
	}
	return Contender{
		Name: "curl",
		Open: func(experiment string, _ int) (Subject, error) {
			c := &curl{path: path}
			switch experiment {
			case "connection-each":
				return c, nil
			case "sequential-undrained":
				return &curlRun{c, []string{"--max-filesize", "1"}}, nil
			}
			return &curlRun{c, nil}, nil
		},
		Expect: func(experiment string, requests, goroutines int) Expectation {
			switch experiment {
			case "sequential-undrained", "connection-each":
				return oneForEach(requests, goroutines)
			case "sequential-drained":
				return one(requests, goroutines)
			}
			return atMostGoroutines(requests, goroutines)
		},
	}, true
}

// curl is a process for each request.
type curl struct {
	path string

	mu   sync.Mutex
	said Account
}

// curlRun is one process for all requests.
type curlRun struct {
	*curl
	options []string
}

// transfer is what curl says of a request, in the order of curlFormat.
type transfer struct {
	connects int
	local    string
	took     time.Duration
	status   int
}

const curlFormat = `%{num_connects} %{local_ip} %{local_port} %{time_total} %{response_code}\n`

// exitSize is curl's exit code when a response is larger than --max-filesize: it
// has stopped behind the head, as it was asked to.
const exitSize = 63

// run starts curl and returns what it says of each request.
func (c *curl) run(ctx context.Context, args ...string) ([]transfer, error) {
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, c.path, append([]string{"-q", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", curlFormat}, args...)...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	all, wrong := parseTransfers(out)
	for _, t := range all {
		c.mu.Lock()
		c.said.Opened += t.connects
		c.mu.Unlock()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return all, context.Cause(ctx)
	case errors.As(err, &exit) && exit.ExitCode() != exitSize:
		return all, fmt.Errorf("curl: %w: %s", err, bytes.TrimSpace(complaints.Bytes()))
	case err != nil && exit == nil:
		return all, err
	}
	return all, wrong
}

func parseTransfers(out []byte) (all []transfer, err error) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 5 {
			return all, fmt.Errorf("curl wrote %q", lines.Text())
		}
		var t transfer
		var wrong [3]error
		var seconds float64
		t.connects, wrong[0] = strconv.Atoi(f[0])
		seconds, wrong[1] = strconv.ParseFloat(f[3], 64)
		t.status, wrong[2] = strconv.Atoi(f[4])
		if err := errors.Join(wrong[:]...); err != nil {
			return all, fmt.Errorf("curl wrote %q: %w", lines.Text(), err)
		}
		t.local, t.took = net.JoinHostPort(f[1], f[2]), time.Duration(seconds*float64(time.Second))
		all = append(all, t)
	}
	return all, lines.Err()
}

func (t *transfer) visit() Visit { return Visit{t.local, t.connects == 0} }

// Get is one process.
func (c *curl) Get(ctx context.Context, url string) (Visit, error) {
	all, err := c.run(ctx, url)
	if err != nil || len(all) == 0 {
		return Visit{}, err
	}
	return all[0].visit(), nil
}

// all is one process: requests one after another at the load's pace, or as many at
// once as there are goroutines elsewhere.
func (c *curlRun) all(ctx context.Context, d *load, url string) error {
	args := append([]string(nil), c.options...)
	if d.goroutines > 1 {
		args = append(args, "-Z", "--parallel-immediate", "--parallel-max", strconv.Itoa(d.goroutines))
	} else if d.interval > 0 {
		args = append(args, "--rate", fmt.Sprintf("%d/d", max(1, 24*time.Hour/d.interval)))
	}
	told, err := c.run(ctx, append(args, fmt.Sprintf("%s?[1-%d]", url, d.requests*d.goroutines))...)
	for n := range told {
		if told[n].status == 200 {
			d.note(n+1, 1, told[n].visit(), told[n].took, nil)
		}
	}
	return err
}

// Account is what was said until now.
func (c *curl) Account() Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said
}

// Close has nothing to do: curl's connections end with it.
func (c *curl) Close() {}
