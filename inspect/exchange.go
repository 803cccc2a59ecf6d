package inspect

import (
	"strings"

	"sonde/capture/httpview"
)

// read takes from an exchange what it says about its connection.
func (c *conn) read(x *httpview.Exchange, complete bool) {
	s := &c.signs
	goAway := s.goAway
	*s = signs{goAway: goAway, status: x.Status, proxied: s.proxied}
	if x.Proto != "" && !c.http2 {
		c.Proto = x.Proto
	}
	if c.tls && x.TLS != nil && x.TLS.Resumed {
		c.Resumed = true
	}
	if !strings.HasPrefix(x.Target, "/") && x.Target != "*" && x.Target != "" || httpview.Get(x.ResponseHeader, "Via") != "" {
		s.proxied = true
	}
	s.proxy = httpview.Get(x.RequestHeader, "Via") != ""
	if c.http2 {
		return
	}
	request, response := connection(x.RequestHeader), connection(x.ResponseHeader)
	old := x.Proto == "HTTP/1.0"
	// RFC 9112, section 9.3: HTTP/1.0 persists if it says so.
	s.clientOld = old && !request.keep
	s.clientClose = request.close
	if !complete && x.Status == 0 {
		return
	}
	s.serverClose = response.close && !request.close
	s.serverOld = x.ResponseProto == "HTTP/1.0" && !response.keep && !s.serverClose
	s.bodiless, s.large = x.ResponseBody == 0, x.ResponseBody > largeBody
	s.untilClose = !s.serverClose && !s.serverOld && endsWithConnection(x)
	if x.Status == 101 || x.Method == "CONNECT" && x.Status/100 == 2 {
		c.taken = true
	}
}

// largeBody is more than clients keep in buffers of their own: when the kernel has
// nothing left of it, the program has read it.
const largeBody = 16 << 10

type wish struct{ close, keep bool }

// connection reads the Connection fields of a head, and Proxy-Connection, which
// some clients still send.
func connection(fields []httpview.Field) (w wish) {
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "Connection") && !strings.EqualFold(f.Name, "Proxy-Connection") {
			continue
		}
		for token := range strings.SplitSeq(f.Value, ",") {
			switch token = strings.TrimSpace(token); {
			case strings.EqualFold(token, "close"):
				w.close = true
			case strings.EqualFold(token, "keep-alive"):
				w.keep = true
			}
		}
	}
	return w
}

// endsWithConnection reports whether a response says of no other end (RFC 9112,
// section 6.3).
func endsWithConnection(x *httpview.Exchange) bool {
	switch {
	case x.Method == "HEAD", x.Status/100 == 1, x.Status == 204, x.Status == 304, x.Method == "CONNECT":
		return false
	}
	return httpview.Get(x.ResponseHeader, "Content-Length") == "" && httpview.Get(x.ResponseHeader, "Transfer-Encoding") == ""
}

// record keeps an exchange, if there is room.
func (i *Inspector) record(c *conn, x *httpview.Exchange, complete bool) {
	if len(c.Exchanges) >= i.config.Requests {
		return
	}
	r := Request{
		Start: at(x.Start), FirstByte: at(x.FirstByte), End: at(x.End),
		Method: x.Method, Target: httpview.RedactTarget(x.Target), Status: x.Status, Complete: complete, Problem: x.Problem,
	}
	if !c.http2 {
		r.Sent, r.Received = c.Sent.since(c.mark[0]), c.Received.since(c.mark[1])
	}
	c.Exchanges = append(c.Exchanges, r)
}

func (t Traffic) since(u Traffic) Traffic {
	return Traffic{t.Bytes - u.Bytes, t.Packets - u.Packets, t.Retransmits - u.Retransmits}
}

// recordOpaque keeps the request that is over, of a connection that could not be
// looked into: from its first byte to the last one of the server.
func (i *Inspector) recordOpaque(c *conn) {
	if c.begunAt == 0 || !c.tls || c.decrypted || len(c.Exchanges) >= i.config.Requests {
		return
	}
	c.Exchanges = append(c.Exchanges, Request{
		Start: at(c.begunAt), FirstByte: at(c.firstByte), End: at(max(c.idleSince, c.firstByte)), Complete: c.firstByte != 0,
		Sent: c.Sent.since(c.mark[0]), Received: c.Received.since(c.mark[1]),
	})
}
