package otel_test

import (
	"bytes"
	"testing"

	"github.com/prometheus/common/expfmt"

	"sonde"
)

// TestPrometheus has Prometheus's own parser read what sonde.WritePoolMetrics
// writes. It is here because that parser is no dependency of sonde's.
func TestPrometheus(t *testing.T) {
	srv, _ := server(t)
	c, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if _, err := c.Get(t.Context(), srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	c.Get(t.Context(), srv.URL, sonde.WithOneShot())
	var out bytes.Buffer
	odd := "a\"b\\c\nd"
	if err := sonde.WritePoolMetrics(&out, map[string]sonde.PoolStats{"": c.Pool().Stats(), odd: c.Pool().Stats()}); err != nil {
		t.Fatal(err)
	}
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	got := make(map[string]float64)
	for name, f := range families {
		for _, m := range f.Metric {
			key := name
			for _, l := range m.Label {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			got[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	stats := c.Pool().Stats()
	for key, want := range map[string]float64{
		"sonde_pool_connections state=idle":                                float64(stats.Idle),
		"sonde_pool_hits_total":                                            float64(stats.Hits),
		"sonde_pool_misses_total pool=" + odd:                              float64(stats.Misses),
		"sonde_pool_opened_total reason=first to this route":               1,
		"sonde_pool_closed_total reason=a connection of its own":           1,
		"sonde_pool_connections pool=" + odd + " state=active":             0,
		"sonde_pool_wait_seconds_total":                                    stats.WaitTime.Seconds(),
		"sonde_pool_opened_total reason=asked for a connection of its own": 1,
	} {
		if v, ok := got[key]; !ok || v != want {
			t.Errorf("%s: %v (there: %v), want %v", key, v, ok, want)
		}
	}
	if len(families) != 10 {
		t.Error(len(families), "families")
	}
}
