package sonde_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
)

// TestMain fails when a goroutine or a file descriptor is left behind.
func TestMain(m *testing.M) {
	before := descriptors()
	code := m.Run()
	sonde.Default().Pool().CloseIdle()
	if code == 0 {
		if left := leaked(before); left != "" {
			fmt.Println("FAIL: left behind:\n" + left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked says what is still there after a while.
func leaked(before int) string {
	var left string
	for range 100 {
		left = ""
		buf := make([]byte, 1<<20)
		for i, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if i > 0 && !strings.Contains(g, "os/signal") && !strings.Contains(g, "testing.(*M)") {
				left += g + "\n\n"
			}
		}
		if n := descriptors(); n > before {
			left += fmt.Sprintf("%d file descriptors more than before", n-before)
		}
		if left == "" {
			return ""
		}
		runtime.GC()
		time.Sleep(50 * time.Millisecond)
	}
	return left
}

// descriptors counts the process's open files, but for the poller's own.
func descriptors() int {
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, d := range dir {
		target, _ := os.Readlink("/proc/self/fd/" + d.Name())
		if strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "/tmp") {
			n++
		}
	}
	return n
}
