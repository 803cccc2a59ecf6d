// Package middleware shows what others do well put around sonde's requests: a rate
// limit by golang.org/x/time/rate, and a circuit breaker by github.com/sony/gobreaker.
// It is a module of its own, so that sonde needs neither.
//
// Both stand around attempts, in Config.AttemptMiddleware: a server is spared only if
// retries, hedges and redirects count too. In Config.Middleware they would stand
// around whole calls.
package middleware
