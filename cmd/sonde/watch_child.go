package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a command may take to end after an interrupt.
const patience = 3 * time.Second

// runChild runs the command to its end. When ctx ends, it is interrupted.
func (w *watching) runChild(ctx context.Context) error {
	c := w.c
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.std.in, io.Writer(c.std.out), io.Writer(c.std.err)
	if c.json {
		cmd.Stdout = c.std.err
	}
	if w.show.terminal { // the table makes room for what it writes
		cmd.Stdout, cmd.Stderr = w.show.around(cmd.Stdout), w.show.around(cmd.Stderr)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return err
	}
	w.family.adopt(cmd.Process.Pid)
	err := cmd.Wait()
	switch {
	case ctx.Err() != nil: // it was we who ended it
		return nil
	case errors.Is(err, exec.ErrWaitDelay):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", c.command[0], err)
	}
	return nil
}

// family is a process and all that it started. A nil family is everybody.
type family struct {
	mu      sync.Mutex
	members map[int]bool // false: looked at since the latest refresh, and none
	// parent's children belong to it, itself does not; 0 is nobody. What this program
	// runs may have connections before its number is known here.
	parent int
}

func newFamily(pid int) *family {
	f := &family{members: map[int]bool{}}
	if pid > 0 {
		f.members[pid] = true
	} else {
		f.parent = os.Getpid()
	}
	return f
}

// adopt adds a process.
func (f *family) adopt(pid int) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[pid] = true
}

// has reports whether a process belongs to the family. It may have been started
// since the latest refresh.
func (f *family) has(pid int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	member, known := f.members[pid]
	if known {
		return member
	}
	for p, n := pid, 0; p > 1 && n < maxGenerations && !member; n++ {
		_, p = processStat(p)
		member = f.belongs(p)
	}
	f.members[pid] = member
	return member
}

// belongs reports whether the children of p are members.
func (f *family) belongs(p int) bool { return f.members[p] || p > 0 && p == f.parent }

// maxGenerations bounds the way up to an ancestor, while processes come and go.
const maxGenerations = 100

// refresh looks for the children of members. One whose parent ended stays a
// member, if it was seen before.
func (f *family) refresh() {
	if f == nil {
		return
	}
	list, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.members, func(_ int, member bool) bool { return !member })
	for found := true; found; {
		found = false
		for _, e := range list {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || f.members[pid] {
				continue
			}
			if _, parent := processStat(pid); !f.belongs(parent) {
				continue
			}
			f.members[pid], found = true, true
		}
	}
}

// processStat reads a process's state and the number of its parent, 0 if it has
// none or has gone.
func processStat(pid int) (state string, parent int) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0
	}
	text := string(b)
	// The command's name is in parentheses and may hold anything, also these.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// alive reports whether a process exists and runs: one that nobody has waited for
// yet is dead.
func alive(pid int) bool {
	if state, _ := processStat(pid); state == "Z" || state == "X" {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// waitFor waits until a process that is not our child ends.
func waitFor(ctx context.Context, pid int) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for alive(pid) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
