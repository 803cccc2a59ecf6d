package capture

import (
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

func TestTranslateCooked(t *testing.T) {
	raw := func(prog ...bpf.Instruction) []bpf.RawInstruction { r, _ := bpf.Assemble(prog); return r }
	tests := []struct {
		name string
		in   []bpf.RawInstruction
		want []bpf.RawInstruction // nil where it cannot be done
	}{
		{"protocol", raw(bpf.LoadAbsolute{Off: 0, Size: 2}), []bpf.RawInstruction{{Op: 0x28, K: skfProtocol}}},
		{"interface", raw(bpf.LoadAbsolute{Off: 4, Size: 4}), raw(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})},
		{"packet type", raw(bpf.LoadAbsolute{Off: 10, Size: 1}), []bpf.RawInstruction{{Op: 0x30, K: skfPktType}}},
		{"payload", raw(bpf.LoadAbsolute{Off: 29, Size: 1}), raw(bpf.LoadAbsolute{Off: 9, Size: 1})},
		{"header length", raw(bpf.LoadMemShift{Off: 20}, bpf.LoadIndirect{Off: 22, Size: 2}), raw(bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 2, Size: 2})},
		{"extension", raw(bpf.LoadExtension{Num: bpf.ExtVLANTag}), raw(bpf.LoadExtension{Num: bpf.ExtVLANTag})},
		{"address", raw(bpf.LoadAbsolute{Off: 12, Size: 4}), nil},
		{"half a field", raw(bpf.LoadAbsolute{Off: 0, Size: 1}), nil},
		{"absolute index", raw(bpf.TAX{}, bpf.LoadIndirect{Off: 22, Size: 2}), nil},
		{"small indirect", raw(bpf.LoadMemShift{Off: 20}, bpf.LoadIndirect{Off: 2, Size: 2}), nil},
		{"TXA is harmless", raw(bpf.LoadMemShift{Off: 20}, bpf.TXA{}), raw(bpf.LoadMemShift{Off: 0}, bpf.TXA{})},
	}
	for _, tt := range tests {
		got, ok := translateCooked(tt.in)
		if ok != (tt.want != nil) || ok && !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, ok, tt.want)
		}
	}
}

func TestProgramAssemble(t *testing.T) {
	user := []bpf.RawInstruction{{Op: 0x28, K: 12}, {Op: 0x06, K: 9999}, {Op: 0x16}}
	if got := (program{snap: MaxSnapLen}).assemble(); got != nil {
		t.Errorf("nothing to do gives %v", got)
	}
	if got := (program{snap: 100}).assemble(); !slices.Equal(got, []bpf.RawInstruction{{Op: 0x06, K: 100}}) {
		t.Errorf("snap length only gives %v", got)
	}
	got := (program{user: user, snap: 100}).assemble()
	if !slices.Equal(got, []bpf.RawInstruction{{Op: 0x28, K: 12}, {Op: 0x06, K: 100}, {Op: 0x16}}) {
		t.Errorf("snap length and filter give %v", got)
	}
	if user[1].K != 9999 {
		t.Error("the caller's program was changed")
	}
}
