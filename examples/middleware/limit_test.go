package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sonde"
)

// limited lets requests through as limiter allows, and makes them wait otherwise: no
// longer than their context lasts.
func limited(limiter *rate.Limiter) sonde.Middleware {
	return func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			if err := limiter.Wait(ctx); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}
	}
}

// Not more than one request every 20 ms, retries included, after two at once.
func Example_rateLimit() {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()

	limiter := rate.NewLimiter(rate.Every(20*time.Millisecond), 2)
	client, err := sonde.New(sonde.Config{
		AttemptMiddleware: []sonde.Middleware{limited(limiter)},
		Retry:             sonde.Retry{Max: 2, Base: time.Millisecond},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	start := time.Now()
	for range 5 {
		if _, err := client.Get(context.Background(), server.URL); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(requests.Load(), "requests, at least 80 ms:", time.Since(start) >= 80*time.Millisecond)

	// Whose context would end before their turn are told at once.
	limiter.SetLimit(rate.Every(time.Hour))
	limiter.ReserveN(time.Now(), 2)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = client.Get(ctx, server.URL)
	fmt.Println(err != nil, requests.Load())
	// Output:
	// 6 requests, at least 80 ms: true
	// true 6
}
