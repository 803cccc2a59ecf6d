package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sonde/internal/netnstest"
)

// TestScripts runs testdata/*.txtar, with $URL a server that does what the path
// says, $TLS the same with a certificate that nobody knows, and $CLOSED an address
// where nobody listens. $PROXY is a proxy, $CLOSEDPROXY one that wants me:secret,
// $DIGESTPROXY one that wants Digest, at $DIGESTADDR, and $SECUREPROXY one that
// speaks TLS with a certificate by $PROXYCA.
func TestScripts(t *testing.T) {
	s := startServer(t)
	proxies := startProxies(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(cond string) (bool, error) {
			if cond == "devfull" {
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q on %s", cond, runtime.GOOS)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command takes a second longer
			env.Setenv("URL", s.url)
			env.Setenv("ADDR", s.url[len("http://"):])
			env.Setenv("TLS", s.tls)
			env.Setenv("CLOSED", s.closed)
			proxies.setenv(env)
			return nil
		},
	})
}

// exits CODE COMMAND… runs a command that must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// commandEnv makes the test's binary the command, for tests that start it by
// themselves.
const commandEnv = "SONDE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		main()
	}
	netnstest.Alone()
	testscript.Main(m, map[string]func(){"sonde": main})
}
