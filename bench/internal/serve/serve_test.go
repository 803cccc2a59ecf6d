package serve

import (
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	for name, a := range map[string][]byte{"small": small, "headers": headers, "closing": closing} {
		at := head(a)
		if at < 0 || contentLength(a[:at]) != int64(len(a)-at) {
			t.Errorf("%s: a head of %d bytes, a body of %d", name, at, len(a)-at)
		}
	}
	if n := bytes.Count(headers[:head(headers)], []byte(": ")); n != 20 {
		t.Errorf("%d fields", n)
	}
}

// TestEvents sends requests in pieces and several at once.
func TestEvents(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go serveEvents(ln)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	request := "GET " + Small + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, part := range []string{request[:7], request[7:], request + request[:20], request[20:], strings.Replace(request, Small, Close, 1)} {
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	got, err := io.ReadAll(c)
	if want := string(small) + string(small) + string(small) + string(closing); err != nil || string(got) != want {
		t.Errorf("%d bytes instead of %d, %v", len(got), len(want), err)
	}
}

func TestGate(t *testing.T) {
	var g gate[int]
	if g.arrive(1, 2) != nil {
		t.Error("one went")
	}
	g.leave(1)
	if g.arrive(2, 2) != nil {
		t.Error("one that has left was counted")
	}
	if all := g.arrive(3, 2); len(all) != 2 {
		t.Errorf("%v went", all)
	}
	if g.arrive(4, 2) != nil {
		t.Error("the gate stays open")
	}
}

func TestSink(t *testing.T) {
	path := t.TempDir() + "/file"
	const size = block + 1000
	if err := writeFile(path, size); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) != size {
		t.Fatal(len(data), err)
	}
	var s Sink
	for at := 0; at < size; at += 700 {
		if _, err := s.Write(data[at:min(at+700, size)]); err != nil {
			t.Fatal(err)
		}
	}
	if s.N != size {
		t.Errorf("%d bytes", s.N)
	}
	if _, err := s.Write(data[:1]); err == nil {
		t.Error("a wrong byte was taken")
	}
}
