package sockets

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"sonde/internal/netnstest"
)

// TestMain checks that no test leaves a goroutine or a descriptor behind.
func TestMain(m *testing.M) {
	netnstest.Alone()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	code := m.Run()
	if code == 0 && !fuzzing() && !settles(goroutines, descriptors) {
		fmt.Printf("left behind: %d goroutines, %d descriptors; at the start there were %d and %d\n",
			runtime.NumGoroutine(), openDescriptors(), goroutines, descriptors)
		code = 1
	}
	os.Exit(code)
}

// fuzzing is true in a run whose engine keeps goroutines and pipes of its own.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

func settles(goroutines, descriptors int) bool {
	for range 100 {
		// The runtime's poller keeps two descriptors from its first use on.
		if runtime.NumGoroutine() <= goroutines && openDescriptors() <= descriptors+2 {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// openDescriptors is zero where there is no /proc.
func openDescriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
