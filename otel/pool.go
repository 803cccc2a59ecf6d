package otel

import (
	"context"
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"

	"sonde"
)

// Watch reports the connections of client's pool, idle and active, by server, as
// http.client.open_connections, whenever the meter asks. stop ends that; do it
// before the client is closed.
func (t *Telemetry) Watch(client *sonde.Client) (stop func() error, err error) {
	open, err := httpconv.NewClientOpenConnectionsObservable(t.meter)
	if err != nil {
		return nil, err
	}
	pool := client.Pool()
	reg, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		type count struct{ idle, active int64 }
		counts := make(map[string]count)
		for c := range pool.Conns() {
			n := counts[c.Origin]
			if c.Active > 0 {
				n.active++
			} else {
				n.idle++
			}
			counts[c.Origin] = n
		}
		for origin, n := range counts {
			o.ObserveInt64(open.Inst(), n.idle, ofConnections(origin, httpconv.ConnectionStateIdle))
			o.ObserveInt64(open.Inst(), n.active, ofConnections(origin, httpconv.ConnectionStateActive))
		}
		return nil
	}, open.Inst())
	if err != nil {
		return nil, err
	}
	return reg.Unregister, nil
}

// ofConnections are the attributes of connections to an origin, such as
// "https://example.com:443".
func ofConnections(origin string, state httpconv.ConnectionStateAttr) metric.ObserveOption {
	scheme, rest, _ := strings.Cut(origin, "://")
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host = rest
	}
	attrs := []attribute.KeyValue{
		semconv.HTTPConnectionStateKey.String(string(state)), semconv.ServerAddress(host), semconv.URLScheme(scheme),
	}
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	return metric.WithAttributes(attrs...)
}
