package sockets

import (
	"fmt"
	"iter"
	"math/bits"
	"strings"
)

// State is a TCP state, numbered as Linux numbers it. UDP and Unix sockets
// borrow three: Established for connected ones, Listen, and Closed for the
// rest. The zero State is none of them.
type State uint8

// The states of RFC 9293 section 3.3.2, and one of Linux's own.
const (
	Established State = iota + 1
	SynSent
	SynReceived
	FinWait1
	FinWait2
	TimeWait
	Closed
	CloseWait
	LastAck
	Listen
	Closing
	// newSynReceived is what the kernel calls a SYN-RECEIVED connection for
	// which it has not made a full socket yet; it reports it as SynReceived.
	newSynReceived
	// BoundInactive is a TCP socket with a port and neither listening nor
	// connected (reported since Linux 6.8, and only when asked for by name).
	BoundInactive

	stateCount
)

// stateNames holds, per state, its name in RFC 9293 and the spellings of ss and
// of netstat where they differ.
var stateNames = [stateCount][]string{
	0:              {"UNKNOWN"},
	Established:    {"ESTABLISHED", "ESTAB"},
	SynSent:        {"SYN-SENT"},
	SynReceived:    {"SYN-RECEIVED", "SYN-RECV"},
	FinWait1:       {"FIN-WAIT-1", "FIN-WAIT1"},
	FinWait2:       {"FIN-WAIT-2", "FIN-WAIT2"},
	TimeWait:       {"TIME-WAIT"},
	Closed:         {"CLOSED", "CLOSE", "UNCONN", "UNCONNECTED"},
	CloseWait:      {"CLOSE-WAIT"},
	LastAck:        {"LAST-ACK"},
	Listen:         {"LISTEN", "LISTENING"},
	Closing:        {"CLOSING"},
	newSynReceived: {"NEW-SYN-RECEIVED"},
	BoundInactive:  {"BOUND-INACTIVE"},
}

// String returns the name in RFC 9293, such as "TIME-WAIT".
func (s State) String() string {
	if s >= stateCount {
		return fmt.Sprintf("STATE-%d", uint8(s))
	}
	return stateNames[s][0]
}

// MarshalText returns the same as String, so that JSON holds names.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what ParseState accepts.
func (s *State) UnmarshalText(text []byte) error {
	parsed, err := ParseState(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// ParseState reads the name of one state, in any case, with hyphens or
// underscores, as the RFC, ss or netstat spell it.
func ParseState(name string) (State, error) {
	folded := strings.ReplaceAll(strings.ToUpper(name), "_", "-")
	for s := Established; s < stateCount; s++ {
		if s == newSynReceived {
			continue
		}
		for _, known := range stateNames[s] {
			if folded == known || folded == strings.ReplaceAll(known, "-", "") {
				return s, nil
			}
		}
	}
	return 0, fmt.Errorf("sockets: unknown state %q", name)
}

// StateSet is a set of states. The zero set means every state where a Query
// asks for one.
type StateSet uint32

// StatesOf returns the set that holds the given states.
func StatesOf(states ...State) StateSet {
	var set StateSet
	for _, s := range states {
		set |= 1 << s
	}
	return set
}

// The sets that ss has names for.
const (
	// EveryState holds every state but BoundInactive, as ss -a does.
	EveryState = StateSet(1<<newSynReceived-1) &^ 1
	// ConnectedStates is EveryState without Listen and Closed.
	ConnectedStates = EveryState &^ (1<<Listen | 1<<Closed)
	// SynchronizedStates is ConnectedStates without SynSent.
	SynchronizedStates = ConnectedStates &^ (1 << SynSent)
	// BucketStates are those the kernel keeps without a full socket.
	BucketStates = StateSet(1<<SynReceived | 1<<TimeWait)
	// BigStates are those with a full socket.
	BigStates = EveryState &^ BucketStates
)

// stateSetNames are the words for sets in ss's filters.
var stateSetNames = map[string]StateSet{
	"all":          EveryState,
	"connected":    ConnectedStates,
	"synchronized": SynchronizedStates,
	"bucket":       BucketStates,
	"big":          BigStates,
}

// ParseStates reads the name of a state, or of a set as ss names them: all,
// connected, synchronized, bucket, big. Names may be joined by commas.
func ParseStates(names string) (StateSet, error) {
	var set StateSet
	for name := range strings.SplitSeq(names, ",") {
		if named, ok := stateSetNames[strings.ToLower(name)]; ok {
			set |= named
			continue
		}
		s, err := ParseState(name)
		if err != nil {
			return 0, err
		}
		set |= 1 << s
	}
	return set, nil
}

// Has reports whether the set holds s.
func (set StateSet) Has(s State) bool { return set&(1<<s) != 0 }

// All yields the states of the set in their numbers' order.
func (set StateSet) All() iter.Seq[State] {
	return func(yield func(State) bool) {
		for rest := uint32(set); rest != 0; rest &= rest - 1 {
			if !yield(State(bits.TrailingZeros32(rest))) {
				return
			}
		}
	}
}

// orEvery is the set that a query means by set.
func (set StateSet) orEvery() StateSet {
	if set == 0 {
		return EveryState
	}
	return set
}

// Counts is a number of sockets per state: counts[TimeWait]. The zero value is
// ready to use; one that is being added to is not safe for concurrent use.
type Counts [stateCount]int

// Add counts one socket.
func (c *Counts) Add(s State) {
	if s >= stateCount {
		s = 0
	}
	c[s]++
}

// Total is the number of sockets in every state.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// In is the number of sockets in the states of the set.
func (c Counts) In(set StateSet) int {
	total := 0
	for s := range set.All() {
		if s < stateCount {
			total += c[s]
		}
	}
	return total
}

// All yields each state that occurs, with its number.
func (c Counts) All() iter.Seq2[State, int] {
	return func(yield func(State, int) bool) {
		for s, n := range c {
			if n != 0 && !yield(State(s), n) {
				return
			}
		}
	}
}

// String lists the states that occur, as in "ESTABLISHED 2, TIME-WAIT 1".
func (c Counts) String() string {
	var b strings.Builder
	for s, n := range c.All() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", s, n)
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}
