package har_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/har"
	"sonde/trace"
	"sonde/trace/otlp"
)

// TestHedged: a call that was hedged is one entry, of the attempt that was answered,
// be it the first or the hedge; and so is its span.
func TestHedged(t *testing.T) {
	for _, winner := range []string{"1", "2"} {
		both := make(chan struct{}, 2)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			both <- struct{}{}
			if r.Header.Get("X-Attempt") != winner {
				<-r.Context().Done()
				return
			}
			for len(both) < 2 { // until the other one is here, too
				select {
				case <-r.Context().Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
			io.WriteString(w, "won")
		}))
		numbered := func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				return next(ctx, req.With(sonde.WithHeader("X-Attempt", strconv.Itoa(sonde.AttemptNumber(ctx)))))
			}
		}
		var events trace.Recorder
		r := har.New(har.Config{})
		client, err := sonde.New(sonde.Config{
			Hedge: sonde.Hedge{Delay: time.Millisecond, Max: 1}, Sink: &events,
			Middleware: []sonde.Middleware{r.Middleware}, AttemptMiddleware: []sonde.Middleware{numbered},
		})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Get(t.Context(), srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		client.Close()
		srv.Close()

		var out strings.Builder
		r.WriteTo(&out)
		var archive struct {
			Log struct {
				Entries []struct {
					Connection string
					Attempts   int `json:"_attempts"`
					Response   struct{ Status, BodySize int }
				}
			}
		}
		if err := json.Unmarshal([]byte(out.String()), &archive); err != nil {
			t.Fatal(err)
		}
		conn := strconv.FormatUint(resp.ConnInfo().ID, 10)
		if all := archive.Log.Entries; len(all) != 1 || all[0].Connection != conn || all[0].Attempts != 2 ||
			all[0].Response.Status != 200 || all[0].Response.BodySize != 3 {
			t.Errorf("attempt %s won on connection %s: %+v", winner, conn, all)
		}
		spans, err := otlp.Marshal("test", trace.Timelines(events.Events()))
		peer := `{"key":"network.peer.port","value":{"intValue":"` + strconv.Itoa(int(resp.ConnInfo().Remote.Port())) + `"}}`
		if root, _, _ := strings.Cut(string(spans), `"name":"acquire"`); err != nil || !strings.Contains(root, peer) ||
			!strings.Contains(root, `"http.response.body.size","value":{"intValue":"3"}`) {
			t.Errorf("attempt %s won: %v, %s", winner, err, root)
		}
	}
}
