package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sonde/internal/race"
	"sonde/nethttp"
)

// TestAllocations: how often a GET through http.Client allocates, and that net/http's
// Transport does so at least three times as often. Four of them are http.Client's
// own; with a timeout five more are the context's and the copy of the request that
// takes it. The others are the request under way, the response, its text with a small
// body, the values of its fields, and their map: two up to eight fields, then four.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	var fields strings.Builder
	for i := range 16 {
		fmt.Fprintf(&fields, "X-Field-%c: %d\r\n", 'A'+i, i)
	}
	many := strings.Replace(small, "Server: x\r\n", fields.String(), 1)
	for _, row := range []struct {
		name, response string
		timeout        bool
		most           float64
	}{
		{"small", small, false, 10},
		{"timeout", small, true, 15},
		{"fields", many, false, 12},
	} {
		t.Run(row.name, func(t *testing.T) {
			url := canned(t, row.response)
			ours := allocations(t, nethttp.New(nil), url, row.timeout)
			theirs := allocations(t, &http.Transport{}, url, row.timeout)
			t.Logf("%v allocations, net/http %v", ours, theirs)
			if ours > row.most || ours > theirs/3 {
				t.Errorf("%v allocations, want at most %v, and a third of net/http's %v", ours, row.most, theirs)
			}
		})
	}
}

func allocations(t *testing.T, rt http.RoundTripper, url string, timeout bool) float64 {
	c := &http.Client{Transport: rt}
	defer c.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<10)
	return testing.AllocsPerRun(500, func() {
		req := req
		if timeout {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			req = req.WithContext(ctx)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = resp.Body.Read(buf)
		}
		if resp.Body.Close(); err != io.EOF {
			t.Fatal(err)
		}
	})
}
