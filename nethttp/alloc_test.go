package nethttp_test

import (
	"io"
	"net/http"
	"testing"

	"sonde/internal/race"
	"sonde/nethttp"
)

// TestAllocations: a small GET through http.Client allocates at most half as often
// as over net/http's Transport.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	url := canned(t, small)
	count := func(rt http.RoundTripper) float64 {
		c := &http.Client{Transport: rt}
		defer c.CloseIdleConnections()
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(200, func() {
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
	}
	ours, theirs := count(nethttp.New(nil)), count(&http.Transport{})
	t.Logf("%v allocations, net/http %v", ours, theirs)
	if ours > theirs/2 {
		t.Errorf("%v allocations, more than half of net/http's %v", ours, theirs)
	}
}
