package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"sonde"
	"sonde/trace"
)

// busy answers 503 to the first n requests.
func busy(n int32) http.HandlerFunc {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) > n {
			io.WriteString(w, "at last")
			return
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// A server that is too busy for a moment.
func ExampleRetry() {
	base, stop := server(busy(2))
	defer stop()

	client, _ := sonde.New(sonde.Config{Retry: sonde.Retry{Max: 3, Base: 10 * time.Millisecond}})
	defer client.Close()
	resp, err := client.Get(context.Background(), base)
	fmt.Println(resp.Status, string(resp.Body), err)

	// A POST could be acted on twice: it is repeated if it says that it may be.
	base, stop = server(busy(1))
	defer stop()
	_, err = client.Post(context.Background(), base, sonde.Text("one pizza"))
	var failure *sonde.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.NotRetried)
	}
	base, stop = server(busy(1))
	defer stop()
	resp, err = client.Post(context.Background(), base, sonde.Text("one pizza"),
		sonde.WithHeader("Idempotency-Key", "order-7"))
	fmt.Println(resp.Status, err)
	// Output:
	// 200 OK at last <nil>
	// POST is not idempotent, and the request has no Idempotency-Key
	// 200 OK <nil>
}

// A policy of one's own decides about each retry.
func ExampleRetrial() {
	base, stop := server(busy(9))
	defer stop()

	policy := func(r *sonde.Retrial) error {
		fmt.Println(r.Method, "attempt", r.Attempt, "failed:", r.Err)
		if r.Attempt == 2 {
			return errors.New("twice is enough")
		}
		return nil
	}
	_, err := sonde.Get(context.Background(), base,
		sonde.WithRetry(sonde.Retry{Max: 5, Base: time.Millisecond, Policy: policy}))
	var failure *sonde.Error
	if errors.As(err, &failure) {
		fmt.Println("attempt", failure.Attempt, "was the last:", failure.NotRetried)
	}
	// Output:
	// GET attempt 1 failed: status 503 Service Unavailable
	// GET attempt 2 failed: status 503 Service Unavailable
	// attempt 2 was the last: twice is enough
}

// A server that is slow now and then: the second attempt is answered first.
func ExampleHedge() {
	var seen atomic.Int32
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) == 1 {
			<-r.Context().Done() // until the client leaves
			return
		}
		io.WriteString(w, "quick")
	})
	defer stop()

	client, _ := sonde.New(sonde.Config{Hedge: sonde.Hedge{Delay: 20 * time.Millisecond}})
	defer client.Close()
	var events trace.Recorder
	resp, err := client.Get(context.Background(), base, sonde.WithSink(&events))
	fmt.Println(string(resp.Body), err)
	fmt.Println(events.Count(trace.Hedge), "hedge,", events.Count(trace.AttemptStart), "attempts")
	// Output:
	// quick <nil>
	// 1 hedge, 2 attempts
}

// References instead of whole URLs, resolved as links on a page are.
func ExampleClient_NewRequest() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	defer stop()

	client, err := sonde.New(sonde.Config{BaseURL: base + "/v1/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, ref := range []string{"users/7", "/health"} {
		resp, err := client.Get(context.Background(), ref)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(resp.Body))
	}
	resp, err := client.Do(context.Background(), client.NewRequest(sonde.HEAD, "users/7"))
	fmt.Println(resp.Status, err)
	// Output:
	// /v1/users/7
	// /health
	// 200 OK <nil>
}

// Two places for a middleware: around a call, and around each of its attempts.
func ExampleMiddleware_attempts() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusFound)
		}
	})
	defer stop()

	say := func(what string) sonde.Middleware {
		return func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				ex, err := next(ctx, req)
				if err == nil {
					fmt.Println(what, req.URL()[len(base):], "→", ex.Status)
				}
				return ex, err
			}
		}
	}
	client, _ := sonde.New(sonde.Config{
		Middleware:        []sonde.Middleware{say("call:   ")},
		AttemptMiddleware: []sonde.Middleware{say("attempt:")},
	})
	defer client.Close()
	client.Get(context.Background(), base+"/old")
	// Output:
	// attempt: /old → 302 Found
	// attempt: /new → 200 OK
	// call:    /old → 200 OK
}
