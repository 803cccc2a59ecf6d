package inspect

import (
	"fmt"

	"sonde/capture/decode"
)

// The patterns that a server makes, or what stands before it.

// asking: the server ends connections behind responses, announced or not. When all
// had carried the same number of requests, that is its limit.
func asking(p *place) (all []finding) {
	said, open, now := &p.tallies[serverAsked], &p.tallies[serverUntilEnd], &p.tallies[serverNow]
	n := said.n + open.n + now.n
	if n == 0 {
		return nil
	}
	counts := append(append(append([]int(nil), said.counts...), open.counts...), now.counts...)
	tallies := []*tally{said, open, now}
	met := ""
	if failed := &p.tallies[serverFailed]; crossing(p) {
		n += failed.n
		for _, requests := range failed.counts {
			counts = append(counts, requests-1)
		}
		tallies = append(tallies, failed)
		met = fmt.Sprintf(" On %d of these the next request was under way by then.", failed.n)
	}
	low, limit, high := spread(counts)
	if low == high && limit > 1 && n >= fewest {
		return found(ServerRequestLimit, Server, 0, said.n > 0, fmt.Sprintf(
			"the server ended %s, each after exactly %d requests%s, and others were opened in their place.", ofConns(p, n), limit, announced(said.n, n)), tallies...)
	}
	text := fmt.Sprintf("the server ended %s right behind a response%s, and others were opened in their place.", ofConns(p, n), announced(said.n, n))
	if open.n > 0 {
		text += fmt.Sprintf(" %s had neither a length nor chunks: only the end of the connection could end it.", plural(open.n, "response"))
	}
	if e := errorsOf(said); e*2 > n {
		text += fmt.Sprintf(" %d of them were error responses.", e)
	}
	text += met
	if low == high && n > 2 && said.n == n {
		text += " A limit of one request looks the same."
	}
	all = found(ServerAsksClose, Server, 0, said.n+open.n > 0, text+proxied(tallies...), tallies...)
	if now.opaque*2 > n {
		all[0].Evidence += " Whether the client had asked for it cannot be seen."
		all = append(all, askedUnseen(p, text, tallies)...)
	}
	return append(all, behindProxy(tallies...)...)
}

// crossing reports whether requests that got no response are better explained by a
// server that closes behind responses: each was the next one on its connection, which
// ended at once.
func crossing(p *place) bool {
	failed := &p.tallies[serverFailed]
	return failed.n > 0 && failed.crossed == failed.n && p.tallies[serverNow].n >= failed.n
}

// askedUnseen is for connections that end behind their responses, inside of TLS: the
// client may have asked for it (Connection: close, HTTP/1.0). Then both sides
// close, and now the one and now the other is faster.
func askedUnseen(p *place, text string, tallies []*tally) []finding {
	if now := &p.tallies[clientNow]; now.opaque > 0 {
		tallies = append(tallies, now)
		text += fmt.Sprintf(" The client closed %d more in the same way: if it had asked, both sides close, and either may be faster.", now.n)
	}
	return found(ClientAsksClose, Client, 1, false,
		text+" Whether the server did so by itself or because the client had asked (Connection: close, HTTP/1.0) cannot be seen.", tallies...)
}

func announced(said, n int) string {
	switch {
	case said == n:
		return ", and said Connection: close"
	case said > 0:
		return fmt.Sprintf(", and said Connection: close on %d", said)
	}
	return ", without having said so"
}

func errorsOf(t *tally) (n int) {
	for status, k := range t.statuses {
		if status >= 400 {
			n += k
		}
	}
	return n
}

// behindProxy names the proxy beside the server, where there is one.
func behindProxy(tallies ...*tally) []finding {
	n, proxied := 0, 0
	for _, t := range tallies {
		n, proxied = n+t.n, proxied+t.proxied
	}
	if proxied == 0 || proxied*2 < n {
		return nil
	}
	return found(ProxyBetween, Between, 2, false, fmt.Sprintf(
		"a proxy was in between on %d of the connections that the server's side ended: it may be the one that ended them.", proxied), tallies...)
}

// beforeProxy names the proxy that is itself the client.
func beforeProxy(t *tally) []finding {
	if t.proxy == 0 || t.proxy*2 < t.n {
		return nil
	}
	return found(ProxyBetween, Between, 2, false, fmt.Sprintf(
		"the client is a proxy, as Via says on %d of the connections that it ended.", t.proxy), t)
}

// idleServer: the server gives idle connections up before the client needs them
// again.
func idleServer(p *place) []finding {
	t := &p.tallies[serverIdle]
	if t.n == 0 {
		return nil
	}
	text := fmt.Sprintf("the server closed %s after they had been idle for %s, and the client needed others later.", ofConns(p, t.n), between(t.idles))
	if t.raced > 0 {
		text += fmt.Sprintf(" %s one that was closed, or just being closed.", verb(t.raced, "request", "met", "met"))
	}
	return append(found(ServerIdleTimeout, Server, 0, false, text, t), behindProxy(t)...)
}

// resets: the server, or something that speaks in its name, ends connections
// without order.
func resets(p *place) []finding {
	reset, failed := &p.tallies[serverReset], &p.tallies[serverFailed]
	if crossing(p) {
		failed = new(tally)
	}
	n := reset.n + failed.n
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("%s were ended from the server's side without order", ofConns(p, n))
	if reset.n > 0 {
		text += fmt.Sprintf(", %d by RST", reset.n)
	}
	if failed.n > 0 {
		text += fmt.Sprintf(", %d closed without a response to the request", failed.n)
	}
	text += ", and others were opened in their place"
	if reset.raced > 0 {
		text += fmt.Sprintf("; %d met a request after an idle time of %s, so something had forgotten them", reset.raced, between(reset.idles))
	}
	return append(found(ServerResets, Server, 0, false, text+".", reset, failed), behindProxy(reset)...)
}

// goesAway: the server ends HTTP/2 connections in order.
func goesAway(p *place) []finding {
	t := &p.tallies[serverGoAway]
	return found(GoAway, Server, 0, true, fmt.Sprintf(
		"%s were opened in the place of one on which the server had said GOAWAY (%s), after %s, %s old.", ofConns(p, t.n), decode.AppendEscaped(nil, t.detail), carried(t), between(t.ages)), t)
}
