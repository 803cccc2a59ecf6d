package nethttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde/nethttp"
)

// TestMain fails when a goroutine is left behind.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	left := ""
	for range 100 {
		if left = leaked(); left == "" {
			break
		}
		runtime.GC()
		time.Sleep(50 * time.Millisecond)
	}
	if code == 0 && left != "" {
		fmt.Println("FAIL: left behind:\n" + left)
		code = 1
	}
	os.Exit(code)
}

// collect lets the garbage collector find what nobody has any more.
func collect() {
	runtime.GC()
	time.Sleep(5 * time.Millisecond)
}

func leaked() (left string) {
	buf := make([]byte, 1<<20)
	for i, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if i > 0 && !strings.Contains(g, "testing.(*M)") && !strings.Contains(g, "os/signal") {
			left += g + "\n\n"
		}
	}
	return left
}

// serve is a server, closed with the test.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// over is a RoundTripper with settings, whose idle connections end with the test.
func over(t testing.TB, settings *http.Transport) *nethttp.Transport {
	t.Helper()
	rt := nethttp.New(settings)
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

// get is a GET whose body is read.
func get(t testing.TB, rt http.RoundTripper, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// failing is the error of a GET that must fail.
func failing(t testing.TB, rt http.RoundTripper, url string) error {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("status %d, want an error", resp.StatusCode)
	}
	return err
}
