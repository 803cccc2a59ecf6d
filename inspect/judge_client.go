package inspect

import (
	"fmt"
	"strings"
)

// The patterns that a client makes.

// leaks: connections stay open after a response and are never used again, while
// others are opened. With a body that was never closed net/http waits for its
// reader; with a new transport for each request nobody remembers the connection.
// The two look alike from outside, unless bytes are still unread, or there was
// no body that could have been left open.
func leaks(p *place) []finding {
	idle, unread := &p.tallies[leftIdle], &p.tallies[leftUnread]
	bodiless, http2 := &p.tallies[leftBodiless], &p.tallies[leftHTTP2]
	n := idle.n + unread.n + bodiless.n
	if n == 0 {
		return found(ClientPerRequest, Client, 0, false, fmt.Sprintf(
			"%s opened although an HTTP/2 connection was there, which carries many requests at once: they are not of one client.",
			ofConns(p, http2.n)+" were"), http2)
	}
	all := []*tally{idle, unread, bodiless, http2}
	text := fmt.Sprintf("%s were opened although another was idle that was never used again, nor closed by the client; it had carried %s.",
		ofConns(p, n), carried(biggest(idle, unread, bodiless)))
	if unread.n > 0 {
		text += fmt.Sprintf(" On %d of these, bytes of the response were never read.", unread.n)
	}
	if bodiless.n > 0 {
		text += fmt.Sprintf(" On %d the response had no body, so none was left open.", bodiless.n)
	}
	if idle.readOut > 0 {
		text += fmt.Sprintf(" On %d of these the program had read a response that was larger than clients buffer.", idle.readOut)
	}
	text += processes(p) + sessions(p)
	closed := found(BodiesNotClosed, Client, 0, false, text, all...)
	fresh := found(ClientPerRequest, Client, 1, false, text, all...)
	switch {
	case manyOwners(p), bodiless.n*5 > n && unread.n == 0, http2.n > n:
		return fresh
	case unread.n > 0 && unread.n >= idle.looked: // the others were not looked at
		return closed
	}
	hint := " A client made for each request looks the same from outside."
	closed[0].Evidence += hint
	fresh[0].Evidence += " A body that is never closed looks the same from outside."
	if readsWhole(p) || idle.readOut*2 > n {
		closed[0].rank, fresh[0].rank = 1, 0
		return append(fresh, closed...)
	}
	return append(closed, fresh...)
}

func biggest(all ...*tally) *tally {
	most := all[0]
	for _, t := range all {
		if t.n > most.n {
			most = t
		}
	}
	return most
}

// undrained: the client closes while a response is unread or still coming.
func undrained(p *place) []finding {
	t := &p.tallies[clientUnread]
	if t.n == 0 {
		return nil
	}
	tallies := []*tally{t}
	more := ""
	if now := &p.tallies[clientNow]; likeUndrained(p, now, t) {
		tallies = append(tallies, now)
		more = fmt.Sprintf(" %d more were closed right behind a short response, which fits.", now.n)
	}
	return found(BodiesNotDrained, Client, 0, false, fmt.Sprintf(
		"the client closed %s while bytes of the response were unread or still coming, and opened others instead.%s", ofConns(p, t.n), more), tallies...)
}

// likeUndrained reports whether connections that were closed behind a complete
// response are better explained by bodies that were not read: some surely were,
// and no pool keeps any.
func likeUndrained(p *place, now, unread *tally) bool {
	return now.n > 0 && unread.n*10 >= now.n && (p.reused == 0 || now.others*2 < now.n)
}

// closesBehind: the client closes right behind a complete response. While others
// stay open and are used again, its pool has no room; if none ever is, nobody
// keeps them.
func closesBehind(p *place) []finding {
	t := &p.tallies[clientNow]
	if t.n == 0 || likeUndrained(p, t, &p.tallies[clientUnread]) {
		return nil
	}
	_, idle, _ := spread(t.idles)
	text := fmt.Sprintf("the client closed %s right behind a complete response (after %s) and opened others instead", ofConns(p, t.n), short(idle))
	if p.reused > 0 && t.others*2 >= t.n && (p.peak > 1 || t.opaque == t.n) {
		return found(IdlePoolTooSmall, Client, 0, false, fmt.Sprintf(
			"%s, while others stayed open and were used again; there were %d requests at once, or more.", text, p.peak), t)
	}
	low, _, high := spread(t.counts)
	text += "; each had carried " + strings.TrimSuffix(carried(t), " each") + "." + processes(p) + sessions(p)
	fresh := found(ClientPerRequest, Client, 1, false, text, t)
	unread := found(BodiesNotDrained, Client, 1, false, text+" A body that is closed unread looks like this when it is short.", t)
	switch {
	case manyOwners(p) || t.bodiless*5 > t.n || tools(p):
		return fresh
	case p.reused == 0 && likelyGo(p) || p.reused > 0 && low != high:
		unread[0].rank = 0
		fresh[0].Evidence += " A short body that is closed unread looks the same."
	default:
		fresh[0].rank = 0
	}
	return append(fresh, unread...)
}

// manyOwners reports whether about every connection is of another process.
func manyOwners(p *place) bool { return len(p.owners) > 2 && len(p.owners)*2 > p.conns }

func processes(p *place) string {
	if manyOwners(p) {
		return fmt.Sprintf(" They belong to %d processes.", len(p.owners))
	}
	return ""
}

// sessions tells of TLS handshakes, which a shared client would resume.
func sessions(p *place) string {
	if p.handshakes < 2 {
		return ""
	}
	return fmt.Sprintf(" Of %d TLS handshakes %d resumed a session.", p.handshakes, p.resumed)
}

// tools reports whether the clients are programs that end with their request.
func tools(p *place) bool {
	for name := range p.agents {
		if !strings.HasPrefix(name, "curl/") && !strings.HasPrefix(name, "Wget/") {
			return false
		}
	}
	return len(p.agents) > 0
}

// likelyGo reports whether the clients may be of net/http.
func likelyGo(p *place) bool {
	for name := range p.agents {
		if !strings.HasPrefix(name, "Go-http-client") {
			return false
		}
	}
	return true
}

// readsWhole reports whether the clients read responses to their end by themselves,
// unless they are asked for a stream.
func readsWhole(p *place) bool {
	for name := range p.agents {
		if !strings.HasPrefix(name, "fasthttp") {
			return false
		}
	}
	return len(p.agents) > 0
}

// lateCloses reports whether connections that were closed after a while are better
// explained by a busy machine: many more were closed at once.
func lateCloses(p *place) bool { return p.tallies[clientNow].n > 2*p.tallies[clientIdle].n }

// idleClient: the client gives idle connections up before it needs them again.
func idleClient(p *place) []finding {
	t := &p.tallies[clientIdle]
	if t.n == 0 || lateCloses(p) {
		return nil
	}
	text := fmt.Sprintf("the client closed %s after they had been idle for %s, and needed others later.", ofConns(p, t.n), between(t.idles))
	all := found(ClientIdleTimeout, Client, 0, false, text, t)
	if _, same := steady(t.idles); !same && p.reused == 0 {
		all = append(all, found(ClientPerRequest, Client, 1, false, text+" The times differ, which is rather a client made anew than a timeout.", t)...)
	}
	return all
}

// askingClient: Connection: close in requests. That the server closes first then,
// and says so too, is only its answer.
func askingClient(p *place) []finding {
	t := &p.tallies[clientAsked]
	return append(found(ClientAsksClose, Client, 0, true, fmt.Sprintf(
		"%s were opened in the place of one on which the client had said Connection: close.%s", ofConns(p, t.n), proxied(t)), t), beforeProxy(t)...)
}

// oldHTTP: HTTP/1.0 without keep-alive, from either side.
func oldHTTP(p *place) []finding {
	c, s := &p.tallies[clientHTTP10], &p.tallies[serverHTTP10]
	all := found(HTTP10, Client, 0, true, fmt.Sprintf("%s were opened in the place of one on which the client spoke HTTP/1.0 without keep-alive.%s", ofConns(p, c.n), proxied(c)), c)
	all = append(all, beforeProxy(c)...)
	all = append(all, found(HTTP10, Server, 0, true, fmt.Sprintf("%s were opened in the place of one on which the server answered by HTTP/1.0 without keep-alive.%s", ofConns(p, s.n), proxied(s)), s)...)
	return append(all, behindProxy(s)...)
}

func proxied(tallies ...*tally) string {
	n := 0
	for _, t := range tallies {
		n += t.proxied
	}
	if n > 0 {
		return fmt.Sprintf(" On %d of these a proxy was in between.", n)
	}
	return ""
}

// namesApart: one connection for each name, to the same address.
func namesApart(p *place) []finding {
	t := &p.tallies[leftApart]
	more := ""
	switch {
	case t.n > 0 && t.certified == t.n:
		more = " The server showed the same certificate on both."
	case t.opaque > 0:
		more = " Whether one certificate has all the names, TLS 1.3 hides; they are of one domain."
	}
	return found(NamesApart, Client, 0, false, fmt.Sprintf(
		"%s were opened for another of %d host names, while one to the same address and port was idle.%s", ofConns(p, t.n), p.names(), more), t)
}

// addressesChange: the same name, another address.
func addressesChange(p *place) []finding {
	t := &p.tallies[leftElsewhere]
	return found(DNSChanges, Between, 0, false, fmt.Sprintf(
		"%s to other addresses, while one for the same name was idle here.", verb(t.n, "connection", "was opened", "were opened")), t)
}

// givesUp: the client ends the connection before the response begins.
func givesUp(p *place) []finding {
	t := &p.tallies[clientGaveUp]
	return found(ClientGivesUp, Client, 0, false, fmt.Sprintf(
		"the client closed %s before the response began, and opened others instead: cancelled, or out of time.", ofConns(p, t.n)), t)
}

// retries: the same request again on another connection, after one was lost or given up.
func retries(p *place) []finding {
	if p.retries == 0 {
		return nil
	}
	return []finding{{Cause: Cause{Cause: Retries, Side: Client, n: p.retries, rank: 3, Evidence: fmt.Sprintf(
		"%s the same first line as one that had ended without a response on another connection, within %s: sent again, "+
			"or asked for over and over by the program itself.", verb(p.retries, "request", "had", "had"), short(retryTime))}}}
}
