package sockets

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
)

// end is one end of a connection from local port to port 80.
func end(port int, state State, cookie uint64, inode uint32) Socket {
	s := *socketBetween(fmt.Sprintf("10.0.0.1:%d", port), "10.0.0.2:80")
	s.State, s.Cookie, s.Inode = state, cookie, inode
	return s
}

func listening(port int, cookie uint64, inode uint32) Socket {
	s := *socketBetween(fmt.Sprintf("10.0.0.1:%d", port), "0.0.0.0:0")
	s.State, s.Cookie, s.Inode = Listen, cookie, inode
	return s
}

// words tells a change as the tables below write it.
func words(c Change) string {
	switch c.Kind {
	case Appeared:
		return fmt.Sprintf("appeared %d %v", c.After.Local.Port(), c.After.State)
	case Gone:
		return fmt.Sprintf("gone %d %v", c.Before.Local.Port(), c.Before.State)
	}
	return fmt.Sprintf("%v %d %v %v", c.Kind, c.Before.Local.Port(), c.Before.State, c.After.State)
}

func TestDiff(t *testing.T) {
	otherInterface := end(1, Established, 2, 20)
	otherInterface.Interface = 5
	half := end(1, SynReceived, 0, 0)
	half.Family = IPv6
	for _, row := range []struct {
		name          string
		before, after []Socket
		want          []string
	}{
		{"nothing", nil, nil, nil},
		{"the same", []Socket{end(1, Established, 1, 10)}, []Socket{end(1, Established, 1, 10)}, nil},
		{"new", nil, []Socket{end(1, Established, 1, 10)}, []string{"appeared 1 ESTABLISHED"}},
		{"gone", []Socket{end(1, TimeWait, 1, 0)}, nil, []string{"gone 1 TIME-WAIT"}},
		{"state", []Socket{end(1, Established, 1, 10)}, []Socket{end(1, CloseWait, 1, 10)}, []string{"changed 1 ESTABLISHED CLOSE-WAIT"}},
		{"one of two", []Socket{end(1, Established, 1, 10), end(2, Established, 2, 11)},
			[]Socket{end(2, FinWait2, 2, 11), end(3, SynSent, 3, 12)},
			[]string{"appeared 3 SYN-SENT", "changed 2 ESTABLISHED FIN-WAIT-2", "gone 1 ESTABLISHED"}},
		{"into TIME-WAIT, with a new cookie", []Socket{end(1, Established, 1, 10)}, []Socket{end(1, TimeWait, 2, 0)},
			[]string{"changed 1 ESTABLISHED TIME-WAIT"}},
		{"abandoned in FIN-WAIT-2, with a new cookie", []Socket{end(1, FinWait2, 1, 10)}, []Socket{end(1, FinWait2, 2, 0)}, nil},
		{"orphaned", []Socket{end(1, Established, 1, 10)}, []Socket{end(1, FinWait1, 1, 0)}, []string{"changed 1 ESTABLISHED FIN-WAIT-1"}},
		{"TIME-WAIT taken over", []Socket{end(1, TimeWait, 1, 0)}, []Socket{end(1, Established, 2, 10)},
			[]string{"appeared 1 ESTABLISHED", "gone 1 TIME-WAIT"}},
		{"one TIME-WAIT after another", []Socket{end(1, TimeWait, 1, 0)}, []Socket{end(1, TimeWait, 2, 0)},
			[]string{"appeared 1 TIME-WAIT", "gone 1 TIME-WAIT"}},
		{"addresses reused", []Socket{end(1, Established, 1, 0)}, []Socket{end(1, Established, 2, 0)},
			[]string{"appeared 1 ESTABLISHED", "gone 1 ESTABLISHED"}},
		{"addresses reused, without cookies", []Socket{end(1, Established, 0, 10)}, []Socket{end(1, Established, 0, 11)},
			[]string{"appeared 1 ESTABLISHED", "gone 1 ESTABLISHED"}},
		{"accepted", []Socket{end(1, Established, 1, 0)}, []Socket{end(1, Established, 1, 10)}, nil},
		{"half open to a full socket of the other family", []Socket{half}, []Socket{end(1, Established, 9, 0)},
			[]string{"changed 1 SYN-RECEIVED ESTABLISHED"}},
		{"two listeners share a port", []Socket{listening(80, 1, 10), listening(80, 2, 11)}, []Socket{listening(80, 2, 11)},
			[]string{"gone 80 LISTEN"}},
		{"the same addresses on another interface", []Socket{end(1, Established, 1, 10)},
			[]Socket{end(1, Established, 1, 10), otherInterface}, []string{"appeared 1 ESTABLISHED"}},
	} {
		var got []string
		for _, change := range Diff(row.before, row.after) {
			got = append(got, words(change))
		}
		slices.Sort(got)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// told walks a list with a Differ and returns the changes in words, sorted.
func told(t *testing.T, d *Differ, walk iter.Seq2[*Socket, error]) []string {
	t.Helper()
	var all []string
	for change, err := range d.Changes(walk) {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, words(change))
	}
	slices.Sort(all)
	return all
}

// TestDifferTurns: several turns, with one that fails and one that is left.
func TestDifferTurns(t *testing.T) {
	var d Differ
	two := []Socket{end(1, Established, 1, 10), end(2, Established, 2, 11)}
	if got := told(t, &d, each(two)); len(got) != 2 {
		t.Errorf("the first walk tells %q, want two that appeared", got)
	}
	failing := func(yield func(*Socket, error) bool) { yield(nil, errors.New("it broke")) }
	if got := told(t, &d, failing); !slices.Equal(got, []string{"it broke"}) {
		t.Errorf("a walk that failed tells %q", got)
	}
	two[0].State = CloseWait
	for range d.Changes(each(two)) {
		break
	}
	if got := told(t, &d, each(two)); got != nil {
		t.Errorf("after a walk that was left, what it told is told again: %q", got)
	}
	for range d.Changes(each(nil)) {
		break
	}
	if got := told(t, &d, each(nil)); len(got) != 1 {
		t.Errorf("of two that have gone, one was told; then %q", got)
	}
	if got := told(t, &d, each(nil)); got != nil {
		t.Errorf("at the end %q", got)
	}
}

// TestDifferKeeps: what a Change says of before is not what the walk overwrote.
func TestDifferKeeps(t *testing.T) {
	var d Differ
	told(t, &d, func(yield func(*Socket, error) bool) {
		one := end(1, Established, 1, 10)
		one.Info.BytesSent = 77
		yield(&one, nil)
		one = end(2, Established, 2, 11)
		yield(&one, nil)
	})
	after := []Socket{end(1, TimeWait, 3, 0), end(2, Established, 2, 11)}
	for change := range d.Changes(each(after)) {
		if change.Before == nil || change.Before.Info.BytesSent != 77 || change.After.State != TimeWait {
			t.Errorf("got %s, before %v", words(change), change.Before)
		}
	}
}

// TestDifferAllocations: a turn over sockets that come and go reuses memory.
func TestDifferAllocations(t *testing.T) {
	var d Differ
	lists := [2][]Socket{}
	for i := range 200 {
		lists[i%2] = append(lists[i%2], end(1000+i, Established, uint64(i+1), uint32(i+1)))
	}
	turn := func() {
		for _, list := range lists {
			for range d.Changes(each(list)) {
			}
		}
	}
	turn()
	if n := testing.AllocsPerRun(20, turn); n > 40 {
		t.Errorf("%.0f allocations for 200 sockets that appeared and 200 that went", n)
	}
}
