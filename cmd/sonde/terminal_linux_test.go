package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// terminal is what a command writes to a terminal of so many columns.
func terminal(t *testing.T, columns uint16, args ...string) (string, int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	defer master.Close()
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns})
	slave, err := os.OpenFile(filepath.Join("/dev/pts", itoa(number)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string)
	go func() {
		all, _ := io.ReadAll(master) // ends with EIO once the other side is closed
		seen <- string(all)
	}()
	code := run(args, streams{strings.NewReader(""), slave, slave})
	slave.Close()
	select {
	case text := <-seen:
		return text, code
	case <-time.After(10 * time.Second):
		t.Fatal("the terminal was not closed")
	}
	return "", 0
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*[a-zA-Z]|\r`)

func TestColourOnATerminalOnly(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "")
	args := []string{"lab", "--requests", "1", "--interval", "1ms", "--only", "sequential-drained"}
	text, code := terminal(t, 80, args...)
	if code != 0 || !strings.Contains(text, "\x1b[1m") {
		t.Errorf("code %d, no colour in %q", code, text)
	}
	t.Setenv("NO_COLOR", "1")
	text, _ = terminal(t, 80, args...)
	if regexp.MustCompile(`\x1b\[[0-9;]*m`).MatchString(text) {
		t.Errorf("colour in spite of NO_COLOR: %q", text)
	}
}

func TestTableFits(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	for _, columns := range []uint16{200, 80, 60, 40} {
		text, code := terminal(t, columns, "lab", "--requests", "2", "--goroutines", "3", "--interval", "1ms")
		if code != 0 {
			t.Fatalf("code %d: %s", code, text)
		}
		for line := range strings.Lines(escapes.ReplaceAllString(text, "\r")) {
			for part := range strings.SplitSeq(line, "\r") {
				if n := utf8.RuneCountInString(strings.TrimRight(part, "\n")); n > min(int(columns), 80) {
					t.Errorf("%d columns of %d: %q", n, columns, part)
				}
			}
		}
	}
}

func TestBinaryStaysOffTheTerminal(t *testing.T) {
	s := startServer(t)
	text, code := terminal(t, 80, "get", s.url+"/binary")
	if code != 23 || !strings.Contains(text, "-o FILE") || strings.Contains(text, "\x00") {
		t.Errorf("code %d: %q", code, text)
	}
	text, code = terminal(t, 80, "get", "-o", "-", s.url+"/binary")
	if code != 0 || !strings.Contains(text, "\x01\x02\x00\x03") {
		t.Errorf("with -o -: code %d: %q", code, text)
	}
}

func TestHeadCannotSteerTheTerminal(t *testing.T) {
	s := startServer(t)
	text, code := terminal(t, 80, "get", "-i", s.url+"/screen")
	if code != 0 || !strings.Contains(text, `X-Evil: \xc2\x9b2J\x9b2Jend`) {
		t.Errorf("code %d: %q", code, text)
	}
}

// TestTraceFits: the picture fits, with colour on a terminal only.
func TestTraceFits(t *testing.T) {
	s := startServer(t)
	t.Setenv("CI", "true") // says nothing of a terminal
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "")
	for _, columns := range []uint16{200, 80, 60, 40} {
		for _, args := range [][]string{{"-n", "3", s.url + "/hello"}, {"-k", s.tls + "/hello"}, {s.url + "/reason"}, {s.tls + "/hello"}} {
			text, code := terminal(t, columns, append([]string{"trace"}, args...)...)
			text, _, _ = strings.Cut(text, "sonde trace: ") // the error's line, which the terminal breaks
			if (code != 0) != (args[0] == s.tls+"/hello") || !strings.Contains(text, "\x1b[") {
				t.Fatalf("code %d: %s", code, text)
			}
			if strings.Contains(text, "\u009b") {
				t.Errorf("what the server said reached the terminal: %q", text)
			}
			for line := range strings.Lines(escapes.ReplaceAllString(text, "\r")) {
				for part := range strings.SplitSeq(line, "\r") {
					if n := utf8.RuneCountInString(strings.TrimRight(part, "\n")); n > min(int(columns), 80) {
						t.Errorf("%d columns of %d: %q", n, columns, part)
					}
				}
			}
		}
	}
	t.Setenv("NO_COLOR", "1")
	if text, _ := terminal(t, 80, "trace", s.url+"/hello"); strings.Contains(text, "\x1b[3") || strings.Contains(text, "\x1b[1m") {
		t.Errorf("colour in spite of NO_COLOR: %q", text)
	}
}
