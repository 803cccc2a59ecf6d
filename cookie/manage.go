package cookie

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// All returns the cookies that have not expired, ordered by domain, path, name
// and age. It sees the Jar as it was when the loop began, and holds no lock
// meanwhile.
func (j *Jar) All() iter.Seq[Cookie] {
	return func(yield func(Cookie) bool) {
		for _, e := range j.sorted() {
			if !yield(e.cookie()) {
				return
			}
		}
	}
}

// sorted are the cookies that have not expired, ordered by domain, path, name and
// age.
func (j *Jar) sorted() []*entry {
	now := j.cfg.Now()
	all := slices.DeleteFunc(j.entries(), func(e *entry) bool { return e.expired(now) })
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.seq, b.seq))
	})
	return all
}

// Len is the number of cookies, those included that have expired and were not yet
// come upon.
func (j *Jar) Len() int { return int(j.count.Load()) }

// Set stores a cookie by hand, instead of one with the same name, domain, path and
// HostOnly. An empty Path is "/", a zero Created is now. The error says which rule
// of RFC 6265bis refuses it. One that has expired deletes.
func (j *Jar) Set(c Cookie) error {
	now := j.cfg.Now()
	c, err := j.admit(c, now)
	if err != nil {
		return fmt.Errorf("cookie %q: %w", c.Name, err)
	}
	site := j.siteOf(c.Domain)
	j.insert(site, c, true, now)
	j.trim(site, now)
	return nil
}

// admit checks a cookie that no response gave, and fills in what is missing.
func (j *Jar) admit(c Cookie, now time.Time) (Cookie, error) {
	host, ip, ok := canonicalHost(strings.TrimPrefix(c.Domain, "."))
	if c.Domain = host; c.Path == "" {
		c.Path = "/"
	}
	switch {
	case !ok:
		return c, errors.New("the domain is no host")
	case hasControl(c.Name + c.Value + c.Path):
		return c, errors.New("a control character")
	case strings.ContainsAny(c.Name, "=;") || strings.Contains(c.Value+c.Path, ";"):
		return c, errors.New("a ; or = that would end its name or value")
	case trim(c.Name) != c.Name || trim(c.Value) != c.Value:
		return c, errors.New("white space around the name or the value")
	case len(c.Name)+len(c.Value) > maxPair:
		return c, fmt.Errorf("name and value have more than %d bytes", maxPair)
	case c.Path[0] != '/' || len(c.Path) > maxAttribute:
		return c, errors.New("the path does not begin with / or is too long")
	case !c.HostOnly && !ip && j.public(host) && strings.Contains(host, "."):
		return c, errors.New("the domain is a public suffix")
	}
	c.HostOnly = c.HostOnly || j.alone(host, ip)
	if c.Created.IsZero() {
		c.Created = now
	}
	if c.Accessed.IsZero() {
		c.Accessed = now
	}
	if c.Persistent() {
		c.Expires = capped(c.Expires, now)
	}
	return c, c.allowed(true)
}

// Delete removes the cookies that match says, and returns how many there were. It
// holds no lock while it asks.
func (j *Jar) Delete(match func(Cookie) bool) int {
	return j.removeEntries(slices.DeleteFunc(j.entries(), func(e *entry) bool { return !match(e.cookie()) }))
}

// EndSession removes the cookies that live as long as the session, and returns how
// many there were.
func (j *Jar) EndSession() int {
	return j.Delete(func(c Cookie) bool { return !c.Persistent() })
}

// Clear removes all cookies.
func (j *Jar) Clear() {
	for i := range j.shards {
		s := &j.shards[i]
		s.mu.Lock()
		n := 0
		for _, of := range s.sites {
			n += len(of)
		}
		clear(s.sites)
		j.count.Add(-int64(n))
		s.mu.Unlock()
	}
}
