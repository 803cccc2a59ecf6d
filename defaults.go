package sonde

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"sonde/internal/message"
)

// The defaults of Config; docs/defaults.md shows them beside net/http's.
const (
	defaultBodyIdle      = 5 * time.Minute
	defaultContinue      = time.Second
	defaultConnect       = 30 * time.Second
	defaultTLS           = 10 * time.Second
	defaultProxy         = 60 * time.Second
	defaultHead          = 256 << 10
	defaultFields        = 1000
	defaultInformational = 32
	defaultBody          = 64 << 20
	defaultRatio         = 300
	defaultErrorBody     = 8 << 10
	defaultDrain         = 64 << 10
	defaultDrainTime     = 50 * time.Millisecond
	defaultIdleTime      = 90 * time.Second
	defaultMaxIdle       = 4096
	defaultRetries       = 3
	defaultRedirects     = 10
	defaultKeepAlive     = 30 * time.Second
)

// fill gives x its default where it is 0, and makes it 0 ("no bound", for the
// layers below) where it is negative. Inlined its 30 calls would be most of filled.
//
//go:noinline
func fill[T int | int64 | float64 | time.Duration](x *T, byDefault T) {
	switch {
	case *x == 0:
		*x = byDefault
	case *x < 0:
		*x = 0
	}
}

// effective is cfg checked and filled.
func effective(cfg Config) (Config, error) {
	if err := cfg.check(); err != nil {
		return Config{}, err
	}
	cfg.Retry, cfg.Hedge = cfg.Retry.filled(), cfg.Hedge.filled()
	return filled(cfg), nil
}

// filled is cfg with its defaults filled in, but for those of policies that are off
// in the default client: below, 0 is "none".
func filled(cfg Config) Config {
	t, l, p := &cfg.Timeouts, &cfg.Limits, &cfg.Pool
	fill(&t.Call, 0)
	fill(&t.Queue, 0)
	fill(&t.FirstByte, 0)
	fill(&t.BodyIdle, defaultBodyIdle)
	fill(&t.Continue, defaultContinue)
	fill(&t.Connect, defaultConnect)
	fill(&t.TLS, defaultTLS)
	fill(&t.Proxy, defaultProxy)
	fill(&l.Head, defaultHead)
	fill(&l.Fields, defaultFields)
	if l.Head == 0 {
		l.Head = math.MaxInt32 // what offsets within a head can count
	}
	if l.Fields == 0 {
		l.Fields = math.MaxInt32
	}
	fill(&l.Informational, defaultInformational)
	fill(&l.Body, defaultBody)
	fill(&l.Decoded, 0)
	fill(&l.Ratio, defaultRatio)
	fill(&l.ErrorBody, defaultErrorBody)
	fill(&l.Drain, defaultDrain)
	fill(&l.DrainTime, defaultDrainTime)
	fill(&p.MaxIdle, idleByDescriptors(descriptorLimit()))
	fill(&p.MaxIdlePerOrigin, p.MaxIdle)
	fill(&p.MaxConnsPerOrigin, 0)
	fill(&p.IdleTime, defaultIdleTime)
	fill(&p.MaxAge, 0)
	fill(&cfg.Retries, defaultRetries)
	fill(&cfg.Redirects.Max, defaultRedirects)
	fill(&cfg.RetryBudget, defaultRetryBudget)
	if cfg.Protocols == 0 {
		cfg.Protocols = HTTP1
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "sonde/" + Version
	}
	if cfg.KeepAlive == (net.KeepAliveConfig{}) {
		cfg.KeepAlive = net.KeepAliveConfig{Enable: true, Idle: defaultKeepAlive, Interval: defaultKeepAlive}
	}
	return cfg
}

// idleByDescriptors is a quarter of the file descriptors that the process may
// have, at most 4096 and at least 2.
func idleByDescriptors(limit uint64) int {
	return int(max(min(limit/4, defaultMaxIdle), 2))
}

// wrong is what is wrong with a field of Config.
func wrong(field, format string, args ...any) error {
	return fmt.Errorf(field+": "+format, args...)
}

func (cfg *Config) check() error {
	if cfg.Protocols&^HTTP1 != 0 {
		return errors.New("Protocols: only HTTP1 exists so far")
	}
	if cfg.UserAgent != "-" {
		if err := message.CheckField("User-Agent", cfg.UserAgent); err != nil {
			return fmt.Errorf("UserAgent: %w", err)
		}
	}
	for name := range cfg.Header.All() {
		if codecField(name) {
			return wrong("Header", "%s is not for a default: the codec owns it", name)
		}
	}
	for _, s := range cfg.Accept {
		if s != AnyStatus && s.Class() == 0 {
			return wrong("Accept", "%d is no status", int(s))
		}
	}
	none := func(m Middleware) bool { return m == nil }
	if slices.ContainsFunc(cfg.Middleware, none) {
		return errors.New("Middleware: one is nil")
	}
	if slices.ContainsFunc(cfg.AttemptMiddleware, none) {
		return errors.New("AttemptMiddleware: one is nil")
	}
	if err := cfg.Retry.check(); err != nil {
		return fmt.Errorf("Retry.%w", err)
	}
	if _, err := cfg.base(); err != nil {
		return fmt.Errorf("BaseURL: %w", err)
	}
	for _, c := range cfg.Codings {
		if c == nil {
			return wrong("Codings", "one is nil")
		}
		switch name := c.Name(); {
		case name == "identity" || name == "*" || message.CheckField(name, "") != nil || name != strings.ToLower(name):
			return wrong("Codings", "%q is no name of a content coding in lower case", name)
		}
	}
	for scheme, h := range cfg.Schemes {
		switch {
		case h == nil:
			return wrong("Schemes", "the Handler of %q is nil", scheme)
		case scheme != strings.ToLower(scheme):
			return wrong("Schemes", "%q is never met: schemes are in lower case", scheme)
		case scheme == "http" || scheme == "https":
			return wrong("Schemes", "%q is sonde's own", scheme)
		}
	}
	if int64(cfg.Limits.Head) > math.MaxInt32 {
		return errors.New("Limits.Head: over 2 GiB")
	}
	return nil
}
