package keylog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sonde/capture/keylog"
)

var (
	random = [32]byte{1, 2, 3}
	hexed  = "010203" + strings.Repeat("00", 29)
	line   = "CLIENT_RANDOM " + hexed + " aabbcc\n"
)

func TestAdd(t *testing.T) {
	var l keylog.Log
	text := "# comment\r\n\n" + line + line + "NO_SUCH_LABEL " + hexed + " aa\n" +
		"CLIENT_RANDOM 00 aa\nCLIENT_RANDOM " + hexed + " xx\n" +
		strings.Repeat("x", 5000) + "\nSERVER_TRAFFIC_SECRET_0 " + strings.ToUpper(hexed) + " 0A\n"
	for b := []byte(text); len(b) > 0; { // in pieces, as a pipe gives them
		n := min(7, len(b))
		l.Add(b[:n])
		b = b[n:]
	}
	if got := l.Lookup(keylog.ClientRandom, random); !bytes.Equal(got, []byte{0xaa, 0xbb, 0xcc}) {
		t.Errorf("got %x", got)
	}
	if l.Len() != 2 || l.Lookup(keylog.ServerTraffic, random) == nil || l.Lookup(keylog.ServerTraffic, [32]byte{}) != nil {
		t.Errorf("%d secrets", l.Len())
	}
	if got := string(l.Append(nil, 1)); got != "SERVER_TRAFFIC_SECRET_0 "+hexed+" 0a\n" {
		t.Errorf("appended %q", got)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	l, err := keylog.Open(path)
	if err != nil {
		t.Fatal("a file that is not there yet:", err)
	}
	if l.Lookup(keylog.ClientRandom, random) != nil {
		t.Error("a secret out of nothing")
	}
	os.WriteFile(path, []byte(line[:20]), 0o600)
	l.Lookup(keylog.ClientRandom, random)
	os.WriteFile(path, []byte(line), 0o600)
	if l.Lookup(keylog.ClientRandom, random) == nil {
		t.Error("the file has grown by the rest of the line")
	}
	if _, err := keylog.Open(t.TempDir() + "/no\x00name"); err == nil {
		t.Error("no error for a file that cannot be")
	}
}

func FuzzAdd(f *testing.F) {
	f.Add([]byte(line), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, parts keylog.Log
		whole.Add(b)
		cut = min(max(cut, 0), len(b))
		parts.Add(b[:cut])
		parts.Add(b[cut:])
		if !bytes.Equal(whole.Append(nil, 0), parts.Append(nil, 0)) {
			t.Fatal("the pieces matter")
		}
		var again keylog.Log
		again.Add(whole.Append(nil, 0))
		if again.Len() != whole.Len() {
			t.Fatal("what is written is not what is read")
		}
	})
}

func ExampleLog() {
	var l keylog.Log
	l.Add([]byte(line))
	fmt.Println(l.Len(), len(l.Lookup(keylog.ClientRandom, random)))
	// Output: 1 3
}
