package cookie

import (
	"cmp"
	"hash/maphash"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Config says how a Jar works; the zero Config is right for most.
type Config struct {
	// PublicSuffixes are the domains under which anybody may have one, so that no
	// cookie can be set for all of them. Nil: the list of golang.org/x/net.
	PublicSuffixes PublicSuffixes

	// Secure reports whether what is sent to u can be seen or changed on its way
	// by nobody. Nil: https and wss, and any scheme to the machine itself.
	Secure func(u *url.URL) bool

	// Now is the clock. Nil: time.Now.
	Now func() time.Time

	// MaxPerDomain and Max bound how many cookies are kept for one domain and in
	// total. 0: 180 and 3000. The draft asks for 50 and 3000 at least. Where there are
	// more than Max a tenth goes with them.
	MaxPerDomain, Max int
}

// PublicSuffixes is a public suffix list. Its method is called by many goroutines
// at once.
type PublicSuffixes interface {
	// PublicSuffix returns the public suffix of a domain, which is in lower case
	// and ASCII.
	PublicSuffix(domain string) string
}

// Jar keeps cookies in memory. It is safe for concurrent use: requests to
// different sites do not wait for each other, nor do those that read.
type Jar struct {
	cfg    Config
	seed   maphash.Seed
	shards [16]shard
	count  atomic.Int64  // of all cookies
	seq    atomic.Uint64 // of the last cookie; orders those of one instant
	evict  sync.Mutex    // one eviction over all shards at a time
}

// shard has the cookies of some sites: those of a registrable domain are together,
// so that one lock is enough for a request.
type shard struct {
	mu    sync.RWMutex
	sites map[string][]*entry
}

// entry is a cookie as it is kept. It does not change but for accessed.
type entry struct {
	Cookie
	seq      uint64
	accessed atomic.Int64 // nanoseconds since 1970
}

// New returns an empty Jar.
func New(cfg Config) *Jar {
	if cfg.PublicSuffixes == nil {
		cfg.PublicSuffixes = publicsuffix.List
	}
	if cfg.Secure == nil {
		cfg.Secure = secure
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxPerDomain <= 0 {
		cfg.MaxPerDomain = 180
	}
	if cfg.Max <= 0 {
		cfg.Max = 3000
	}
	j := &Jar{cfg: cfg, seed: maphash.MakeSeed()}
	for i := range j.shards {
		j.shards[i].sites = make(map[string][]*entry)
	}
	return j
}

func (j *Jar) shard(site string) *shard {
	return &j.shards[maphash.String(j.seed, site)%uint64(len(j.shards))]
}

// target is what decides about cookies of a URL.
type target struct {
	host   string // canonical
	ip     bool
	site   string // the registrable domain, or the host
	path   string
	secure bool
}

func (j *Jar) target(u *url.URL) (target, bool) {
	if u == nil {
		return target{}, false
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss":
	default:
		return target{}, false
	}
	host, ip, ok := canonicalHost(u.Hostname())
	if !ok {
		return target{}, false
	}
	t := target{host: host, ip: ip, site: j.site(host, ip), path: u.EscapedPath(), secure: j.cfg.Secure(u)}
	if t.path == "" {
		t.path = "/"
	}
	return t, true
}

// Cookie returns the value of the Cookie field for a request to u, "" for none.
// A sonde client calls it.
func (j *Jar) Cookie(u *url.URL) string {
	var b strings.Builder
	for i, e := range j.matching(u) {
		if i > 0 {
			b.WriteString("; ")
		}
		// RFC 6265bis §5.8.3 step 6: a cookie without a name is its value alone.
		if e.Name != "" {
			b.WriteString(e.Name)
			b.WriteByte('=')
		}
		b.WriteString(e.Value)
	}
	return b.String()
}

// Cookies returns the cookies that a request to u would have, in their order.
func (j *Jar) Cookies(u *url.URL) []Cookie {
	found := j.matching(u)
	out := make([]Cookie, 0, len(found))
	for _, e := range found {
		out = append(out, e.cookie())
	}
	return out
}

// matching finds the cookies for a request to u, and marks them as used.
// RFC 6265bis §5.8.3.
func (j *Jar) matching(u *url.URL) []*entry {
	if j.count.Load() == 0 {
		return nil
	}
	t, ok := j.target(u)
	if !ok {
		return nil
	}
	now := j.cfg.Now()
	var found []*entry
	stale := false
	s := j.shard(t.site)
	s.mu.RLock()
	for _, e := range s.sites[t.site] {
		switch {
		case e.expired(now):
			stale = true
		case e.matches(&t):
			e.accessed.Store(now.UnixNano())
			found = append(found, e)
		}
	}
	s.mu.RUnlock()
	if stale {
		j.remove(t.site, func(e *entry) bool { return e.expired(now) })
	}
	slices.SortFunc(found, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.seq, b.seq))
	})
	return found
}

func (e *entry) matches(t *target) bool {
	return (e.Domain == t.host || !e.HostOnly && !t.ip && domainMatch(t.host, e.Domain)) &&
		(t.secure || !e.Secure) && pathMatch(t.path, e.Path)
}

// SetCookies takes the values of the Set-Cookie fields of a response to u, in
// their order. Those that RFC 6265bis refuses are passed over. A sonde client
// calls it.
func (j *Jar) SetCookies(u *url.URL, values []string) {
	if len(values) == 0 {
		return
	}
	t, ok := j.target(u)
	if !ok {
		return
	}
	now := j.cfg.Now()
	for _, v := range values {
		if r, ok := parse(v); ok {
			if c, ok := j.receive(&t, &r, now); ok {
				j.insert(t.site, c, t.secure, now)
			}
		}
	}
	j.trim(t.site, now)
}

// insert stores c, which is gone at once if it has expired already: that is how
// servers delete. RFC 6265bis §5.7, steps 16 and 23.
func (j *Jar) insert(site string, c Cookie, secure bool, now time.Time) {
	s := j.shard(site)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.sites[site]
	if !c.Secure && !secure && overlays(all, &c, now) {
		return
	}
	e := &entry{Cookie: c, seq: j.seq.Add(1)}
	e.accessed.Store(c.Accessed.UnixNano())
	at := slices.IndexFunc(all, func(old *entry) bool { return old.same(&c) })
	switch gone := e.expired(now); {
	case at < 0 && gone:
	case at < 0:
		s.sites[site] = append(all, e)
		j.count.Add(1)
	case gone:
		s.put(site, slices.Delete(all, at, at+1))
		j.count.Add(-1)
	default:
		if old := all[at]; !old.expired(now) {
			e.Created, e.seq = old.Created, old.seq
		}
		all[at] = e
	}
}

// overlays reports whether c, from where anybody could have set it, would be sent
// beside a secure cookie of its name.
func overlays(all []*entry, c *Cookie, now time.Time) bool {
	return slices.ContainsFunc(all, func(e *entry) bool {
		return e.Secure && e.Name == c.Name && !e.expired(now) && pathMatch(c.Path, e.Path) &&
			(domainMatch(e.Domain, c.Domain) || domainMatch(c.Domain, e.Domain))
	})
}

// put makes all the cookies of a site. The lock is held.
func (s *shard) put(site string, all []*entry) {
	if len(all) == 0 {
		delete(s.sites, site)
	} else {
		s.sites[site] = all
	}
}

// remove removes those cookies of a site that which says; it runs under the lock.
func (j *Jar) remove(site string, which func(*entry) bool) int {
	s := j.shard(site)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.sites[site]
	left := slices.DeleteFunc(all, which)
	s.put(site, left)
	n := len(all) - len(left)
	j.count.Add(-int64(n))
	return n
}
