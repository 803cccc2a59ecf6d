package capture

import (
	"errors"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// assemble makes a program of x/net's instructions.
func assemble(t testing.TB, prog ...bpf.Instruction) []bpf.RawInstruction {
	t.Helper()
	raw, err := bpf.Assemble(prog)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestLiveFilter(t *testing.T) {
	h := newHosts(t)
	port := func(base uint32) []bpf.Instruction { // udp dst port 7, over IPv4 without options
		return []bpf.Instruction{
			bpf.LoadMemShift{Off: base},
			bpf.LoadIndirect{Off: base + 2, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 7, SkipTrue: 1},
			bpf.RetConstant{Val: MaxSnapLen},
			bpf.RetConstant{Val: 0},
		}
	}
	absolute := []bpf.Instruction{ // the same, with the index as an absolute offset
		bpf.LoadConstant{Dst: bpf.RegX, Val: 40},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 7, SkipTrue: 1},
		bpf.RetConstant{Val: MaxSnapLen},
		bpf.RetConstant{Val: 0},
	}
	tests := []struct {
		name, iface string
		prog        []bpf.Instruction
		direction   Direction
		user        bool
	}{
		{"ethernet", "vb", port(14), 0, false},
		{"ethernet in", "vb", port(14), In, false},
		{"cooked", Any, port(20), 0, false},
		{"cooked in", Any, port(20), In, false},
		{"cooked in user space", Any, absolute, 0, true},
	}
	for _, tt := range tests {
		l := h.open(h.b, Config{Interface: tt.iface, Filter: assemble(t, tt.prog...), Direction: tt.direction})
		if (l.vm != nil) != tt.user {
			t.Errorf("%s: filter in user space is %v", tt.name, l.vm != nil)
		}
		h.udp(h.a, "10.99.0.2:7", 3, 40)
		h.udp(h.a, "10.99.0.2:8", 2, 40)
		got := collect(t, l, func(*Packet) bool { return true })
		if len(got) != 3 {
			t.Errorf("%s: %d packets, want 3", tt.name, len(got))
		}
		s, err := l.Stats()
		if err != nil || s.Captured != 3 || !tt.user && s.Received != 3 || tt.user && s.Ignored+3 > s.Received {
			t.Errorf("%s: stats %+v, %v", tt.name, s, err)
		}
	}
	l := h.open(h.b, Config{Interface: "vb", Filter: assemble(t, port(14)...)})
	if err := unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("taking the filter off again: %v, want EPERM, as it is locked", err)
	}
	var err error
	h.in(h.b, func() { _, err = Open(Config{Interface: "vb", Filter: []bpf.RawInstruction{{Op: 0xffff}}}) })
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("a bad program: %v, want EINVAL", err)
	}
}
