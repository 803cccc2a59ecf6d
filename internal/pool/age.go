package pool

import (
	"time"

	"sonde/trace"
)

// hintUnit is in what a connection counts the server's hint.
const hintUnit = 100 * time.Millisecond

// packHint keeps a margin for the way there: the server's time runs from when it
// has sent its answer, and a request must arrive before it is over.
func packHint(hint time.Duration) uint16 {
	hint -= min(time.Second, hint/5)
	return uint16(min(max(hint/hintUnit, 1), 1<<16-1))
}

// over says why an idle connection has been there for too long, if it has.
func (cfg *Config) over(c *Conn, now int64) trace.Reason {
	rest := time.Duration(now - c.since)
	switch {
	case c.hint != 0 && rest >= time.Duration(c.hint)*hintUnit:
		return trace.ServerHint
	case cfg.IdleTimeout > 0 && rest >= cfg.IdleTimeout:
		return trace.IdleTimeout
	case cfg.aged(c, now):
		return trace.MaxAge
	}
	return trace.NoReason
}

// aged reports whether c is too old. Connections that were opened together do not
// end together: each has up to a tenth less, by a hash of its number.
func (cfg *Config) aged(c *Conn, now int64) bool {
	if cfg.MaxAge <= 0 {
		return false
	}
	part := time.Duration(c.id * 0x9E3779B97F4A7C15 >> 54) // of 1024
	return time.Duration(now-c.created) >= cfg.MaxAge-cfg.MaxAge/10*part/1024
}
