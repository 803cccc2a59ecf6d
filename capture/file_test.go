package capture

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// fileNames lists a folder.
func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestFileRotation(t *testing.T) {
	day := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local).UnixNano()
	tests := []struct {
		name, pattern string
		cfg           FileConfig
		want          []string
		err           error
	}{
		{"none", "x.pcapng", FileConfig{}, []string{"x.pcapng"}, nil},
		{"by packets", "x", FileConfig{MaxPackets: 3}, []string{"x", "x1", "x2", "x3"}, nil},
		{"by size", "x", FileConfig{MaxSize: 500}, []string{"x", "x1"}, nil},
		{"ring of 3", "x", FileConfig{MaxPackets: 1, Keep: 3}, []string{"x0", "x1", "x2"}, nil},
		{"ring of 11", "x", FileConfig{MaxPackets: 5, Keep: 11}, []string{"x00", "x01"}, nil},
		{"by time", "x%s%%%q%Z", FileConfig{Every: time.Hour, Keep: 1}, nil, ErrLastFile},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		tt.cfg.Interfaces = []Interface{{Link: LinkEthernet}}
		f, err := Create(filepath.Join(dir, tt.pattern), tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		written := 0
		for i := range 10 {
			if err = f.WritePacket(&Packet{Data: make([]byte, 16), Length: 16, Link: LinkEthernet, Time: day + int64(i)*int64(time.Minute)*10}); err != nil {
				break
			}
			written++
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		names := fileNames(t, dir)
		if tt.want != nil && !slices.Equal(names, tt.want) {
			t.Errorf("%s: files %v, want %v", tt.name, names, tt.want)
		}
		total := 0
		for _, name := range names {
			total += countPackets(t, filepath.Join(dir, name))
		}
		if tt.cfg.Keep != 3 && total != written {
			t.Errorf("%s: %d packets in the files, want %d", tt.name, total, written)
		}
	}
}

func countPackets(t *testing.T, name string) int {
	t.Helper()
	r, err := OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var p Packet
	for n := 0; ; n++ {
		if err := r.Next(&p); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", name, err)
			}
			return n
		}
	}
}

func TestTimeName(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if got := timeName("a-%Y%m%d-%H:%M:%S.%y.%j.%s%%%q%", at); got != "a-20260304-05:06:07.26.063.1772600767%%q%" {
		t.Error(got)
	}
}

// TestFileSecrets: whoever gets the secrets gets the traffic, so only the owner
// may read the file, and each file of a rotation decrypts itself.
func TestFileSecrets(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "x"), FileConfig{WriterConfig: WriterConfig{Interfaces: []Interface{{Link: LinkEthernet}}}, MaxPackets: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Data: []byte{1}, Length: 1, Link: LinkEthernet}
	for _, err := range []error{f.WriteSecrets([]byte("CLIENT_RANDOM 00 11\n")), f.WritePacket(&p), f.WritePacket(&p), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"x", "x1"} {
		r, err := OpenFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		r.Next(&p)
		if got := string(r.Secrets(0)); got != "CLIENT_RANDOM 00 11\n" {
			t.Errorf("%s: secrets %q", name, got)
		}
		r.Close()
		if info, _ := os.Stat(filepath.Join(dir, name)); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
	}
	if _, err := Create("-", FileConfig{MaxSize: 5}); err == nil {
		t.Error("standard output rotates")
	}
	if _, err := Create(filepath.Join(dir, "none", "x"), FileConfig{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}
