package cookie

import (
	"cmp"
	"slices"
	"time"
)

// trim removes excess cookies, first of the domains of a site, then of all.
// RFC 6265bis §5.7 has the order: expired ones, then of a domain that has too
// many those that are not secure, then the others, then any; of equals the one
// whose last use is longest ago.
func (j *Jar) trim(site string, now time.Time) {
	j.trimDomains(site, now)
	if j.count.Load() <= int64(j.cfg.Max) {
		return
	}
	j.evict.Lock()
	defer j.evict.Unlock()
	all := j.entries()
	excess := len(all) - j.cfg.Max
	if excess <= 0 {
		return
	}
	excess += j.cfg.Max / 10 // so that not each new cookie has all others sorted
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(falseFirst(!a.expired(now), !b.expired(now)), older(a, b))
	})
	if n := slices.IndexFunc(all, func(e *entry) bool { return !e.expired(now) }); n > excess {
		excess = n // no expired one stays
	}
	j.removeEntries(all[:excess])
}

// older orders by last use, those of one instant by creation.
func older(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.accessed.Load(), b.accessed.Load()), cmp.Compare(a.seq, b.seq))
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// trimDomains removes what a site's domains have too much.
func (j *Jar) trimDomains(site string, now time.Time) {
	s := j.shard(site)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.sites[site]
	if len(all) <= j.cfg.MaxPerDomain {
		return
	}
	left := slices.DeleteFunc(all, func(e *entry) bool { return e.expired(now) })
	domains := map[string][]*entry{}
	for _, e := range left {
		domains[e.Domain] = append(domains[e.Domain], e)
	}
	excess := map[*entry]bool{}
	for _, of := range domains {
		slices.SortFunc(of, func(a, b *entry) int { return cmp.Or(falseFirst(a.Secure, b.Secure), older(a, b)) })
		for _, e := range of[:max(len(of)-j.cfg.MaxPerDomain, 0)] {
			excess[e] = true
		}
	}
	left = slices.DeleteFunc(left, func(e *entry) bool { return excess[e] })
	s.put(site, left)
	j.count.Add(int64(len(left) - len(all)))
}

// entries are all cookies, one shard after the other.
func (j *Jar) entries() []*entry {
	all := make([]*entry, 0, j.count.Load())
	for i := range j.shards {
		s := &j.shards[i]
		s.mu.RLock()
		for _, of := range s.sites {
			all = append(all, of...)
		}
		s.mu.RUnlock()
	}
	return all
}

// removeEntries removes these cookies, and says how many were still there.
func (j *Jar) removeEntries(es []*entry) int {
	sites := map[string]map[*entry]bool{}
	for _, e := range es {
		site := j.siteOf(e.Domain)
		if sites[site] == nil {
			sites[site] = map[*entry]bool{}
		}
		sites[site][e] = true
	}
	n := 0
	for site, gone := range sites {
		n += j.remove(site, func(e *entry) bool { return gone[e] })
	}
	return n
}

// siteOf is the site of a cookie's domain.
func (j *Jar) siteOf(domain string) string {
	_, ip, _ := canonicalHost(domain)
	return j.site(domain, ip)
}
