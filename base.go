package sonde

import (
	"errors"
	"fmt"
	"strings"

	"sonde/internal/message"
)

// NewRequest makes a request as the function of that name does, for a reference that
// is resolved against Config.BaseURL (RFC 3986 §5): with "https://api.test/v1/",
// "users" means https://api.test/v1/users, but "/users" https://api.test/users, and
// an absolute URL itself and "" the base. Without a BaseURL the reference must be absolute.
func (c *Client) NewRequest(method Method, ref string, opts ...Option) *Request {
	if c == nil || c.base == nil {
		return NewRequest(method, ref, opts...)
	}
	u, err := *c.base, error(nil)
	if ref != "" { // RFC 3986 §5.2.2: that is the base itself
		u, err = c.base.Resolve(ref)
	}
	return newRequest(method, &u, err, opts)
}

// base is BaseURL, nil without one.
func (cfg *Config) base() (*message.URL, error) {
	if cfg.BaseURL == "" {
		return nil, nil
	}
	u, err := message.ParseURL(cfg.BaseURL)
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(u.Target, "?") || u.Fragment != "":
		return nil, errors.New("it has a query or a fragment, which no request would have")
	case !strings.HasSuffix(u.Target, "/"):
		// RFC 3986 §5.2.3: what is behind the last slash is not part of the base.
		return nil, fmt.Errorf("its path does not end with a slash: %q would be lost", u.Target[strings.LastIndexByte(u.Target, '/')+1:])
	}
	return &u, nil
}
