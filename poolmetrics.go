package sonde

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sonde/trace"
)

// WritePoolMetrics writes the counts of pools in the text format that Prometheus
// reads (version 0.0.4), as sonde_pool_… . The keys name the pools in the label
// "pool"; a pool whose name is "" has no such label. Serve it as
// "text/plain; version=0.0.4".
func WritePoolMetrics(w io.Writer, pools map[string]PoolStats) error {
	m := metrics{pools: pools, names: slices.Sorted(maps.Keys(pools))}
	m.family("connections", "gauge", "Connections, by what they are doing.", func(s *PoolStats) {
		m.sample("state", "idle", float64(s.Idle))
		m.sample("state", "active", float64(s.Active))
		m.sample("state", "dialing", float64(s.Dialing))
	})
	for _, f := range [...]struct {
		name, kind, help string
		value            func(*PoolStats) float64
	}{
		{"waiting", "gauge", "Calls that wait for a connection.", func(s *PoolStats) float64 { return float64(s.Waiting) }},
		{"routes", "gauge", "Origins, and ways to them, in use.", func(s *PoolStats) float64 { return float64(s.Routes) }},
		{"hits_total", "counter", "Times that an idle connection served at once.", func(s *PoolStats) float64 { return float64(s.Hits) }},
		{"misses_total", "counter", "Times that none did.", func(s *PoolStats) float64 { return float64(s.Misses) }},
		{"waits_total", "counter", "Times that a call had to wait.", func(s *PoolStats) float64 { return float64(s.Waits) }},
		{"wait_seconds_total", "counter", "How long calls waited, all together.", func(s *PoolStats) float64 { return s.WaitTime.Seconds() }},
		{"dial_errors_total", "counter", "Connections that could not be made.", func(s *PoolStats) float64 { return float64(s.DialErrors) }},
	} {
		m.family(f.name, f.kind, f.help, func(s *PoolStats) { m.sample("", "", f.value(s)) })
	}
	m.family("opened_total", "counter", "Connections opened, by reason.", func(s *PoolStats) { m.reasons(s, trace.Reason.Opens) })
	m.family("closed_total", "counter", "Connections that ended, by reason.", func(s *PoolStats) { m.reasons(s, trace.Reason.Ends) })
	_, err := io.WriteString(w, m.out.String())
	return err
}

// metrics is the text being made.
type metrics struct {
	pools map[string]PoolStats
	names []string
	out   strings.Builder
	full  string // name of the family under way
	pool  string // name of the pool under way
}

func (m *metrics) family(name, kind, help string, of func(*PoolStats)) {
	m.full = "sonde_pool_" + name
	fmt.Fprintf(&m.out, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", m.full, help, kind)
	for _, m.pool = range m.names {
		s := m.pools[m.pool]
		of(&s)
	}
}

func (m *metrics) sample(label, text string, value float64) {
	var labels []string
	if m.pool != "" {
		labels = append(labels, `pool="`+escapeLabel(m.pool)+`"`)
	}
	if label != "" {
		labels = append(labels, label+`="`+escapeLabel(text)+`"`)
	}
	m.out.WriteString(m.full)
	if len(labels) > 0 {
		m.out.WriteString("{" + strings.Join(labels, ",") + "}")
	}
	m.out.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

func (m *metrics) reasons(s *PoolStats, which func(trace.Reason) bool) {
	for reason, n := range s.Reasons.All {
		if which(reason) {
			m.sample("reason", reason.String(), float64(n))
		}
	}
}

func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\ufffd"))
}
