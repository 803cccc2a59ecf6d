package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"sonde"
)

// breaking stops sending requests while breaker is open. A failure and a 5xx count
// against the server; a call that its own context ends does not.
func breaking(breaker *gobreaker.TwoStepCircuitBreaker[*sonde.Exchange]) sonde.Middleware {
	return func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			done, err := breaker.Allow()
			if err != nil {
				return nil, err
			}
			ex, err := next(ctx, req)
			switch {
			case ctx.Err() != nil:
				done(nil)
			case err == nil && ex.Status.Class() == 5:
				done(errors.New(ex.Status.String()))
			default:
				done(err)
			}
			return ex, err
		}
	}
}

// After three failures in a row nothing is sent for a while; then one request finds
// out whether the server is well again.
func Example_circuitBreaker() {
	var requests, broken atomic.Int32
	broken.Store(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if broken.Load() == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()

	const pause = 50 * time.Millisecond
	breaker := gobreaker.NewTwoStepCircuitBreaker[*sonde.Exchange](gobreaker.Settings{
		Timeout:     pause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
	})
	client, err := sonde.New(sonde.Config{AttemptMiddleware: []sonde.Middleware{breaking(breaker)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	for range 3 {
		client.Get(context.Background(), server.URL)
	}
	fmt.Println(requests.Load(), "failures")
	broken.Store(0)
	for errors.Is(get(client, server.URL), gobreaker.ErrOpenState) { // until the pause is over
		time.Sleep(pause / 10)
	}
	fmt.Println(requests.Load()-3, "request that went well:", breaker.State())
	// Output:
	// 3 failures
	// 1 request that went well: closed
}

func get(c *sonde.Client, url string) error {
	_, err := c.Get(context.Background(), url)
	return err
}
