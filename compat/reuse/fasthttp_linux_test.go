package reuse

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
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

func serve(t *testing.T, handler http.HandlerFunc, idle time.Duration) *counted {
	t.Helper()
	s := &counted{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.Config.IdleTimeout = idle
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func hello(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(2 * time.Millisecond)
	fmt.Fprint(w, "Hello world")
}

func big(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 8<<20)) }

func slow(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestFastHTTP: programs with fasthttp that use their connections well, and that lose
// them, each in its way.
func TestFastHTTP(t *testing.T) {
	// dropped answers each resource the second time that it is asked for.
	dropped := func() http.HandlerFunc {
		var seen [10]atomic.Int64
		return func(w http.ResponseWriter, r *http.Request) {
			if seen[r.URL.Path[len(r.URL.Path)-1]-'0'].Add(1) > 1 {
				hello(w, r)
			} else if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				c.Close()
			}
		}
	}
	tests := []struct {
		name, program, want string
		words               string // with $ADDR; otherwise the URL
		side                inspect.Side
		handler             func() http.HandlerFunc // nil: hello
		idle                time.Duration
	}{
		{name: "well", program: "well"},
		{name: "at once", program: "at-once"},
		{name: "Connection: close", program: "close", want: "client-asks-close", side: inspect.Client},
		{name: "MaxConnDuration", program: "aged", want: "client-asks-close", side: inspect.Client},
		{name: "MaxIdleConnDuration too short", program: "idle-timeout", want: "client-idle-timeout", side: inspect.Client},
		{name: "MaxIdleConnDuration long enough", program: "idle-timeout-long-enough"},
		{name: "client each", program: "client-each", want: "client-per-request bodies-not-closed", side: inspect.Client},
		{name: "client each, closed", program: "client-each-closed", want: "client-per-request bodies-not-drained", side: inspect.Client},
		{name: "stream", program: "stream"},
		{name: "stream not closed", program: "stream-not-closed", want: "bodies-not-closed", side: inspect.Client, handler: func() http.HandlerFunc { return big }},
		{name: "stream closed unread", program: "stream-closed", want: "bodies-not-drained", side: inspect.Client, handler: func() http.HandlerFunc { return big }},
		{name: "times out", program: "times-out", want: "client-gives-up retries", side: inspect.Client, handler: func() http.HandlerFunc { return slow }},
		{name: "server idle timeout", program: "idle-timeout-long-enough", want: "server-idle-timeout [retries]", side: inspect.Server, idle: 100 * time.Millisecond},
		{name: "names apart", program: "names", words: "$ADDR a.example.org b.example.org c.example.org d.example.org", want: "names-apart", side: inspect.Client},
		{name: "one name", program: "names", words: "$ADDR a.example.org"},
		{name: "lost and sent again", program: "resources", want: "server-resets retries", side: inspect.Server, handler: dropped},
		{name: "not lost", program: "resources"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() []string {
				handler := http.HandlerFunc(hello)
				if tt.handler != nil {
					handler = tt.handler()
				}
				s := serve(t, handler, tt.idle)
				address := s.Listener.Addr().(*net.TCPAddr)
				words := []string{s.URL}
				if tt.words != "" {
					words = strings.Fields(strings.ReplaceAll(tt.words, "$ADDR", address.String()))
				}
				w := watchtest.Start(t, watchtest.Ear{}, address.Port)
				watchtest.Run(t, tt.program, words...)
				v := &w.Report().Verdict
				faults := watchtest.Wrong(v, tt.want)
				if len(v.Causes) > 0 && v.Causes[0].Side != tt.side {
					faults = append(faults, "on the side of the "+v.Causes[0].Side.String())
				}
				// Requests that met a connection which closed were sent, and did not arrive.
				if r, c := int(s.requests.Load()), int(s.conns.Load()); v.Requests != r && tt.idle == 0 || v.Requests < r || v.Connections != c {
					faults = append(faults, fmt.Sprintf("%d requests on %d connections, the server counted %d on %d", v.Requests, v.Connections, r, c))
				}
				return faults
			})
		})
	}
}
