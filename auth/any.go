package auth

import (
	"context"
	"sync"

	"sonde"
)

// maxOrigins bounds of how many origins something is remembered: servers that
// redirect choose how many there are.
const maxOrigins = 256

// Any waits for a challenge and answers it with the first of list that can: give
// the strongest first, as in Any(Digest(user, pw), Basic(user, pw)). An origin
// that has asked once gets the same one's credentials in advance from then on.
func Any(list ...sonde.Authenticator) sonde.Authenticator {
	return &anyOf{list: list, chosen: map[string]sonde.Authenticator{}}
}

type anyOf struct {
	list []sonde.Authenticator

	mu     sync.Mutex
	chosen map[string]sonde.Authenticator // by origin
}

// Authenticate asks one after the other.
func (x *anyOf) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	if a.Refused == 0 {
		if one := x.get(a); one != nil {
			return one.Authenticate(ctx, a)
		}
		return nil
	}
	for _, one := range x.list {
		if one == nil {
			return errNil
		}
		if err := one.Authenticate(ctx, a); err != nil {
			return err
		}
		if answered(a) {
			x.choose(a, one)
			return nil
		}
	}
	return nil
}

// Answered passes it on.
func (x *anyOf) Answered(a *sonde.AuthRequest, h *sonde.Head) { tell(x.get(a), a, h) }

func (x *anyOf) get(a *sonde.AuthRequest) sonde.Authenticator {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.chosen[origin(a.URL, a.Proxy)]
}

func (x *anyOf) choose(a *sonde.AuthRequest, one sonde.Authenticator) {
	x.mu.Lock()
	defer x.mu.Unlock()
	keep(x.chosen, origin(a.URL, a.Proxy), one)
}

// keep puts a value into a map of bounded size; any other one may go for it.
func keep[T any](m map[string]T, key string, value T) {
	if _, known := m[key]; !known && len(m) >= maxOrigins {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[key] = value
}
