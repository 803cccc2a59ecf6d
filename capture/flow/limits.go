package flow

import "time"

// Limits bounds what a Table keeps. The zero value of each field means its
// default.
type Limits struct {
	// Conns is how many connections are known at a time: 65,536. For one more, the
	// one that was silent for longest is dropped.
	Conns int

	// Idle is after how long without a packet a connection is dropped: 10 minutes.
	Idle time.Duration

	// Linger is for how long a connection that ended is still known, so that late
	// packets are named and make no new one: 1 minute.
	Linger time.Duration

	// HeldPerConn and Held bound the bytes kept because others before them are
	// missing, of one connection and of all: 1 MiB and 64 MiB. When there are more,
	// the missing ones are given up.
	HeldPerConn, Held int

	// Hold is after how long missing bytes are given up: 30 seconds. When their
	// receiver has acknowledged them, they were lost on their way to the capture
	// only, and AckedHold is enough: 100 milliseconds.
	Hold, AckedHold time.Duration

	// Datagrams and FragmentBytes bound the datagrams of which fragments are kept:
	// 1,024 of them, 8 MiB. FragmentTime is for how long: 30 seconds.
	Datagrams, FragmentBytes int
	FragmentTime             time.Duration
}

func (l Limits) withDefaults() Limits {
	set(&l.Conns, 65536)
	set(&l.Idle, 10*time.Minute)
	set(&l.Linger, time.Minute)
	set(&l.HeldPerConn, 1<<20)
	set(&l.Held, 64<<20)
	set(&l.Hold, 30*time.Second)
	set(&l.AckedHold, 100*time.Millisecond)
	set(&l.Datagrams, 1024)
	set(&l.FragmentBytes, 8<<20)
	set(&l.FragmentTime, 30*time.Second)
	return l
}

func set[T int | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}
