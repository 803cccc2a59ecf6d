// Package hsts remembers the hosts that are to be asked by https only, as RFC 6797
// (HTTP Strict Transport Security) says: a Store is a value for sonde's
// Config.HSTS.
package hsts

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"sonde/internal/idna"
)

// Config says how a Store works; the zero Config is right for most.
type Config struct {
	// Preload are hosts that are known from the beginning, and for good whatever
	// they say. One that begins with a dot has its subdomains with it.
	Preload []string

	// Now is the clock. Nil: time.Now.
	Now func() time.Time

	// Max is how many hosts are kept besides those of Preload; the one that would
	// be forgotten first makes room. 0: 10,000.
	Max int
}

// Host is a host that is to be asked by https only.
type Host struct {
	Name       string // in lower case and ASCII, without a dot at its end
	Subdomains bool   // those below it, too
	Expires    time.Time
	Preloaded  bool // it does not expire
}

// Store remembers hosts in memory. It is safe for concurrent use.
type Store struct {
	now func() time.Time
	max int
	mu  sync.RWMutex
	all map[string]Host
}

// New returns a Store that knows the hosts of cfg.Preload. The error names one that
// is no host.
func New(cfg Config) (*Store, error) {
	s := &Store{now: cfg.Now, max: cfg.Max, all: make(map[string]Host)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.max <= 0 {
		s.max = 10_000
	}
	s.max += len(cfg.Preload)
	for _, name := range cfg.Preload {
		host, subdomains := strings.CutPrefix(name, ".")
		if host = canonical(host); host == "" {
			return nil, fmt.Errorf("hsts: Preload: %q is no host with a name", name)
		}
		s.all[host] = Host{Name: host, Subdomains: subdomains, Preloaded: true}
	}
	return s, nil
}

// canonical is a host's name in lower case and ASCII, without the dot that would
// make another name of it, "" if it has none. RFC 6797 §8.1.1: an IP address is not
// known, nor is its "name" looked up.
func canonical(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for i := range len(host) {
		if host[i] >= 0x80 {
			ascii, err := idna.ToASCII(host)
			if err != nil {
				return ""
			}
			host = ascii
			break
		}
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" || len(host) > 255 || strings.ContainsAny(host, " \t\"\r\n/:#") ||
		strings.HasPrefix(host, ".") {
		return ""
	}
	return host
}

// Secure reports whether host is to be asked by https only. A sonde client calls
// it. RFC 6797 §8.2.
func (s *Store) Secure(host string) bool {
	host = canonical(host)
	if host == "" {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.all) == 0 {
		return false
	}
	now := s.now()
	for name, below := host, false; name != ""; below = true {
		if h, ok := s.all[name]; ok && (h.Subdomains || !below) && !h.expired(now) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

func (h *Host) expired(now time.Time) bool { return !h.Preloaded && !h.Expires.After(now) }

// Learn takes the value of the Strict-Transport-Security field of a response of
// host's, which came by https from whom the certificate names. One that breaks the
// grammar is passed over. A sonde client calls it. RFC 6797 §8.1.
func (s *Store) Learn(host, value string) {
	p, ok := parse(value)
	host = canonical(host)
	if !ok || host == "" {
		return
	}
	s.set(Host{Name: host, Subdomains: p.subdomains, Expires: s.now().Add(p.maxAge)})
}

// set stores h, or removes it if it has expired.
func (s *Store) set(h Host) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.all[h.Name].Preloaded:
	case h.expired(now):
		delete(s.all, h.Name)
	default:
		s.all[h.Name] = h
		if len(s.all) > s.max {
			s.trimLocked(now)
		}
	}
}

// trimLocked makes room: what has expired goes, else what will first. A tenth goes
// at once, so that not each new host looks at all others.
func (s *Store) trimLocked(now time.Time) {
	var learned []Host
	for name, h := range s.all {
		switch {
		case h.Preloaded:
		case h.expired(now):
			delete(s.all, name)
		default:
			learned = append(learned, h)
		}
	}
	if len(s.all) <= s.max {
		return
	}
	slices.SortFunc(learned, func(a, b Host) int {
		return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Name, b.Name))
	})
	for _, h := range learned[:min(len(s.all)-s.max+s.max/10, len(learned)-1)] {
		delete(s.all, h.Name)
	}
}

// All returns the hosts that have not expired, ordered by name. It sees the Store
// as it was when the loop began, and holds no lock meanwhile.
func (s *Store) All() iter.Seq[Host] {
	return func(yield func(Host) bool) {
		for _, h := range s.sorted() {
			if !yield(h) {
				return
			}
		}
	}
}

func (s *Store) sorted() []Host {
	now := s.now()
	s.mu.RLock()
	all := make([]Host, 0, len(s.all))
	for _, h := range s.all {
		if !h.expired(now) {
			all = append(all, h)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b Host) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Delete forgets a host, and reports whether it was known. One of Preload stays.
func (s *Store) Delete(host string) bool {
	host = canonical(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.all[host]
	if ok = ok && !h.Preloaded; ok {
		delete(s.all, host)
	}
	return ok
}
