package sonde

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"sonde/internal/clock"
)

const (
	// budgetWindow is for how long calls count towards the budget, about.
	budgetWindow = 10 * time.Second
	// budgetLeast is what a client may always send again within the window: one
	// that makes few calls must be able to repeat them.
	budgetLeast = 10
)

// budget bounds how many more attempts than calls a client makes, retries and
// hedges together: as many as budgetLeast and a share of the calls, within
// budgetWindow. A server in trouble sees little more than its usual load then.
type budget struct {
	calls atomic.Int64 // since the last look

	mu     sync.Mutex // guards the rest
	tokens float64
	looked int64 // reading of the clock; 0: never
}

// count is told of each call that could make use of the budget.
func (b *budget) count() { b.calls.Add(1) }

// take takes one attempt out of the budget, if it is there. share is how many
// attempts a call adds.
func (b *budget) take(share float64, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = refill(b.tokens, float64(b.calls.Swap(0))*share, b.looked, now)
	b.looked = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// refill is what tokens are at now, with those added that were earned since the
// last look. They fade with the time constant of the window, so that an hour of
// success does not pay for a minute of nothing but retries.
func refill(tokens, earned float64, looked, now int64) float64 {
	if looked == 0 {
		return budgetLeast + earned
	}
	x := float64(max(now-looked, 0)) / float64(budgetWindow)
	fade := math.Exp(-x)
	if x > 0 {
		earned *= (1 - fade) / x // they came evenly
	}
	return tokens*fade + earned + budgetLeast*(1-fade)
}

// spend takes an attempt out of the client's budget.
func (c *Client) spend() bool {
	return c.cfg.RetryBudget == 0 || c.budget.take(c.cfg.RetryBudget, clock.Now())
}
