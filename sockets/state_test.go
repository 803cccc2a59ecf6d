package sockets

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestStateNames(t *testing.T) {
	for s := Established; s < stateCount; s++ {
		if s == newSynReceived {
			continue
		}
		for _, name := range stateNames[s] {
			spellings := []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "")}
			for _, spelling := range spellings {
				if got, err := ParseState(spelling); err != nil || got != s {
					t.Errorf("%q is read as %v, %v", spelling, got, err)
				}
			}
		}
		text, err := json.Marshal(map[State]int{s: 1})
		if err != nil || string(text) != `{"`+s.String()+`":1}` {
			t.Errorf("%v in JSON is %s, %v", s, text, err)
		}
		back := map[State]int{}
		if err := json.Unmarshal(text, &back); err != nil || back[s] != 1 {
			t.Errorf("%s comes back as %v, %v", text, back, err)
		}
	}
	for _, wrong := range []string{"", "-", "UNKNOWN", "new-syn-received", "established "} {
		if s, err := ParseState(wrong); err == nil {
			t.Errorf("%q is read as %v", wrong, s)
		}
	}
	if State(200).String() != "STATE-200" || State(0).String() != "UNKNOWN" {
		t.Errorf("no states: %v, %v", State(200), State(0))
	}
}

func TestStateSets(t *testing.T) {
	for _, row := range []struct {
		text string
		want []State
	}{
		{"listen", []State{Listen}},
		{"listen,TIME_WAIT", []State{TimeWait, Listen}},
		{"bucket", []State{SynReceived, TimeWait}},
		{"bucket,established", []State{Established, SynReceived, TimeWait}},
		{"synchronized", []State{Established, SynReceived, FinWait1, FinWait2, TimeWait, CloseWait, LastAck, Closing}},
		{"connected", []State{Established, SynSent, SynReceived, FinWait1, FinWait2, TimeWait, CloseWait, LastAck, Closing}},
		{"bound-inactive", []State{BoundInactive}},
	} {
		set, err := ParseStates(row.text)
		if got := slices.Collect(set.All()); err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%q is %v, %v; want %v", row.text, got, err, row.want)
		}
	}
	if n := len(slices.Collect(EveryState.All())); n != 11 {
		t.Errorf("%d states in every state, want the 11 of the RFC", n)
	}
	if EveryState.Has(BoundInactive) || EveryState.Has(0) || !EveryState.Has(TimeWait) {
		t.Errorf("every state is %b", EveryState)
	}
}

func TestCounts(t *testing.T) {
	var c Counts
	if c.String() != "none" || c.Total() != 0 {
		t.Errorf("zero counts are %v, %d", c, c.Total())
	}
	for _, s := range []State{Listen, TimeWait, TimeWait, State(99)} {
		c.Add(s)
	}
	if c.Total() != 4 || c[TimeWait] != 2 || c.In(BucketStates) != 2 || c.In(StatesOf(Listen, TimeWait)) != 3 {
		t.Errorf("counted %v", c)
	}
	if want := "UNKNOWN 1, TIME-WAIT 2, LISTEN 1"; c.String() != want {
		t.Errorf("counts are %q, want %q", c, want)
	}
}
