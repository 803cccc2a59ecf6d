package capture

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde/internal/netnstest"
)

// The test binary runs itself as the processes that some tests need; the
// environment says as what.
const childVariable = "SONDE_CAPTURE_CHILD"

var children = map[string]func(args []string) error{
	"blast":   childBlast,
	"capture": childCapture,
	"hold":    childHold,
}

func TestMain(m *testing.M) {
	if args := strings.Fields(os.Getenv(childVariable)); len(args) > 0 {
		if err := children[args[0]](args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	netnstest.Alone()
	if r, w, err := os.Pipe(); err == nil { // the runtime's poller has descriptors of its own, for good
		r.Close()
		w.Close()
	}
	files := openFiles()
	code := m.Run()
	if fuzz := flag.Lookup("test.fuzz"); code == 0 && (fuzz == nil || fuzz.Value.String() == "") {
		code = leaks(files)
	}
	os.Exit(code)
}

// leaks complains about goroutines and descriptors that tests left behind.
func leaks(files int) int {
	var routines, now int
	for range 50 {
		routines, now = runtime.NumGoroutine(), openFiles()
		if routines <= 1 && now <= files {
			return 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	fmt.Fprintf(os.Stderr, "left behind: %d goroutines, %d descriptors (%d before)\n%s\n",
		routines, now, files, buf[:runtime.Stack(buf, true)])
	return 1
}

func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}
