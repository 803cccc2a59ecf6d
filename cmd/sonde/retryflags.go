package main

import (
	"errors"
	"math"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"sonde"
)

// retryFlags are the flags that say when to send a request again, which mean what
// curl's mean. That a connection broke counts as a timeout does, which takes
// --retry-all-errors with curl.
type retryFlags struct {
	retries    int
	retryDelay float64
	refusedToo bool
}

func (t *retryFlags) addTo(f *pflag.FlagSet) {
	f.IntVar(&t.retries, "retry", 0, "try again, at most `N` times, after a failure that may pass, and after 408, 429, 500, 502, 503 and 504")
	f.Float64Var(&t.retryDelay, "retry-delay", 0, "wait so many `SECONDS` before each, instead of 1, 2, 4 …")
	f.BoolVar(&t.refusedToo, "retry-connrefused", false, "try again where nobody listens, too")
}

func (t *retryFlags) check() error {
	if t.retries < 0 || t.retryDelay < 0 {
		return &usageError{errors.New("--retry and --retry-delay must not be negative")}
	}
	return nil
}

// retryMost is the longest wait that curl comes to by itself.
const retryMost = 10 * time.Minute

// retry is the policy for requests with that method: like curl, and unlike a library,
// it asks nothing of it, since whoever gives the flag knows the request.
func (t *retryFlags) retry(method sonde.Method) sonde.Retry {
	return sonde.Retry{
		Max:      t.retries,
		Statuses: []sonde.Status{408, 429, 500, 502, 503, 504},
		Methods:  []sonde.Method{method},
		MaxAfter: -1,
		Backoff: func(n int) time.Duration {
			if t.retryDelay > 0 {
				return time.Duration(t.retryDelay * float64(time.Second))
			}
			return min(time.Duration(math.Exp2(float64(min(n, 20)-1)))*time.Second, retryMost)
		},
		Policy: func(r *sonde.Retrial) error {
			if errors.Is(r.Err, syscall.ECONNREFUSED) && !t.refusedToo {
				return errors.New("without --retry-connrefused a refused connection is final")
			}
			return nil
		},
	}
}
