package inspect_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"sync/atomic"
	"testing"
	"time"

	"sonde/inspect"
	"sonde/internal/watchtest"
)

// counted is a server that counts for itself.
type counted struct {
	*httptest.Server
	requests, conns atomic.Int64
}

type serverOptions struct {
	tls, http2 bool
	idle       time.Duration
	handler    http.HandlerFunc
	noKeep     bool
}

func serve(t *testing.T, o serverOptions) *counted {
	t.Helper()
	s := &counted{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if o.handler != nil {
			o.handler(w, r)
			return
		}
		time.Sleep(2 * time.Millisecond)
		fmt.Fprint(w, "Hello world")
	}))
	s.Config.IdleTimeout = o.idle
	s.Config.SetKeepAlivesEnabled(!o.noKeep)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.EnableHTTP2 = o.http2
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	if o.tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func big(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 64<<10)) }

func huge(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 8<<20)) }

// play runs a program against a server under watch.
func play(t *testing.T, s *counted, program string, e watchtest.Ear) *inspect.Report {
	t.Helper()
	w := watchtest.Start(t, e, portOf(t, s.Listener.Addr().String()))
	watchtest.Run(t, program, s.URL)
	return w.Report()
}

// TestPatterns: each way to lose connections is named, and what is healthy is
// called so, whoever looks; and the figures are the server's.
func TestPatterns(t *testing.T) {
	t.Parallel()
	big := serverOptions{handler: big}
	huge := serverOptions{handler: huge}
	var served atomic.Int64
	tests := []struct {
		name    string
		program string
		server  serverOptions
		want    string // causes; one in brackets may be there
		side    inspect.Side
		about   bool // requests are counted from outside of TLS
	}{
		{name: "well"},
		{name: "burst of fifty, then one", program: "burst"},
		{name: "burst of fifty kept, then one", program: "burst-kept"},
		{name: "pool as large as the load", program: "pool-enough"},
		{name: "bodies not closed", program: "not-closed", want: "bodies-not-closed client-per-request", side: inspect.Client},
		{name: "bodies not closed, at once", program: "not-closed-now", want: "bodies-not-closed client-per-request", side: inspect.Client},
		{name: "bodies not closed, bytes unread", program: "not-closed", server: big, want: "bodies-not-closed", side: inspect.Client},
		{name: "bodies not closed, still coming", program: "not-closed", server: huge, want: "bodies-not-closed", side: inspect.Client},
		{name: "bodies not drained", program: "not-drained", server: big, want: "bodies-not-drained", side: inspect.Client},
		{name: "bodies not drained, still coming", program: "not-drained", server: huge, want: "bodies-not-drained", side: inspect.Client},
		{name: "bodies not drained, short", program: "not-drained", want: "bodies-not-drained client-per-request", side: inspect.Client},
		{name: "idle pool too small", program: "pool-of-two", want: "idle-pool-too-small", side: inspect.Client},
		{name: "idle pool too small, in rounds", program: "rounds", want: "idle-pool-too-small", side: inspect.Client},
		{name: "client each", program: "client-each", want: "bodies-not-closed client-per-request", side: inspect.Client},
		{name: "client each, bodies large", program: "client-each", want: "client-per-request bodies-not-closed", side: inspect.Client, server: big},
		{name: "client each, bodies empty", program: "client-each", want: "client-per-request", side: inspect.Client,
			server: serverOptions{handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }}},
		{name: "client each, closed", program: "client-each-closed", want: "bodies-not-drained client-per-request", side: inspect.Client},
		{name: "client asks close", program: "no-keep-alive", want: "client-asks-close", side: inspect.Client},
		{name: "server asks close", program: "well", server: serverOptions{noKeep: true}, want: "server-asks-close", side: inspect.Server},
		{name: "server idle timeout", program: "pauses", server: serverOptions{idle: 100 * time.Millisecond}, want: "server-idle-timeout", side: inspect.Server},
		{name: "client idle timeout", program: "idle-timeout", want: "client-idle-timeout", side: inspect.Client},
		{name: "client gives up", program: "gives-up", want: "client-gives-up", side: inspect.Client,
			server: serverOptions{handler: func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-time.After(time.Second):
				}
			}}},
		{name: "server resets", program: "resets", want: "server-resets [retries]", side: inspect.Server,
			server: serverOptions{handler: func(w http.ResponseWriter, _ *http.Request) {
				c, _, _ := w.(http.Hijacker).Hijack()
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}}},
		{name: "TLS", program: "tls", server: serverOptions{tls: true}, about: true},
		{name: "TLS, some at once", program: "tls-together", server: serverOptions{tls: true}, about: true, want: "[idle-pool-too-small]"},
		{name: "TLS, bodies not closed", program: "tls-not-closed", server: serverOptions{tls: true}, about: true, want: "bodies-not-closed client-per-request", side: inspect.Client},
		{name: "TLS, bodies not drained", program: "tls-not-drained", server: serverOptions{tls: true}, about: true, want: "bodies-not-drained client-per-request", side: inspect.Client},
		{name: "TLS, idle pool too small", program: "tls-pool", server: serverOptions{tls: true}, about: true, want: "idle-pool-too-small", side: inspect.Client},
		{name: "TLS, server idle timeout", program: "tls-pauses", server: serverOptions{tls: true, idle: 100 * time.Millisecond}, about: true, want: "server-idle-timeout", side: inspect.Server},
		{name: "HTTP/2", program: "http2", server: serverOptions{tls: true, http2: true}, about: true},
		{name: "HTTP/2 in clear", program: "h2c-together"},
		{name: "HTTP/2, go away", program: "h2c", want: "go-away", side: inspect.Server,
			server: serverOptions{handler: func(w http.ResponseWriter, r *http.Request) {
				if n := served.Add(1); n%4 == 0 {
					w.Header().Set("Connection", "close")
				}
			}}},
		{name: "HTTP/2, client each", program: "http2-each", server: serverOptions{tls: true, http2: true}, about: true, want: "client-per-request", side: inspect.Client},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.program == "" {
				tt.program = tt.name
			}
			watchtest.Calmly(t, func() (faults []string) {
				wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
				s := serve(t, tt.server)
				v := &play(t, s, tt.program, watchtest.Ear{}).Verdict
				faults = watchtest.Wrong(v, tt.want)
				if len(v.Causes) > 0 && tt.side != inspect.NoSide && v.Causes[0].Side != tt.side {
					wrong("%s is on the side of the %s, not the %s", v.Causes[0].Cause, v.Causes[0].Side, tt.side)
				}
				if n := int(s.conns.Load()); v.Connections != n {
					wrong("%d connections, the server counted %d", v.Connections, n)
				}
				if n := int(s.requests.Load()); v.Requests != n && !(tt.server.http2 && tt.about) {
					wrong("%d requests, the server counted %d", v.Requests, n)
				}
				return faults
			})
		})
	}
}
