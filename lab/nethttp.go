package lab

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"

	"sonde/trace"
)

// netHTTP is net/http's client, watched through net/http/httptrace.
type netHTTP struct {
	client    *http.Client
	transport *http.Transport
	use       func(*netHTTP, *http.Response, *netHTTPCall) error

	mu   sync.Mutex
	said account
	// lost counts connections that the pool did not get back, or did not keep, by
	// why: that is why the next new one is opened.
	lost trace.Reasons
	held []io.Closer // bodies that the experiment must not close
}

func newNetHTTP(change func(*http.Transport), use func(*netHTTP, *http.Response, *netHTTPCall) error) *netHTTP {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // there is nothing between the two
	change(t)
	return &netHTTP{client: &http.Client{Transport: t}, transport: t, use: use}
}

func unchanged(*http.Transport) {}

func netHTTPUndrained(int) (subject, error) { return newNetHTTP(unchanged, (*netHTTP).hold), nil }
func netHTTPDrained(int) (subject, error)   { return newNetHTTP(unchanged, (*netHTTP).drain), nil }

func netHTTPTuned(goroutines int) (subject, error) {
	return newNetHTTP(func(t *http.Transport) { t.MaxIdleConnsPerHost = goroutines }, (*netHTTP).drain), nil
}

func netHTTPOneShot(int) (subject, error) {
	return newNetHTTP(func(t *http.Transport) { t.DisableKeepAlives = true }, (*netHTTP).drain), nil
}

func (n *netHTTP) get(ctx context.Context, url string) (visit, error) {
	call := &netHTTPCall{client: n}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, call.hooks()), http.MethodGet, url, nil)
	if err != nil {
		return visit{}, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return visit{}, err
	}
	err = n.use(n, resp, call)
	n.mu.Lock()
	defer n.mu.Unlock()
	return call.visit, err
}

// drain does what net/http asks for.
func (n *netHTTP) drain(resp *http.Response, call *netHTTPCall) error {
	_, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !call.put && n.transport.DisableKeepAlives {
		n.lost[trace.OneShotAsked]++
	}
	return err
}

// hold forgets the body, but for the end of the experiment.
func (n *netHTTP) hold(resp *http.Response, call *netHTTPCall) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = append(n.held, resp.Body)
	if !call.put {
		n.lost[trace.BodyNotDrained]++
	}
	return nil
}

func (n *netHTTP) account() account {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.said
}

func (n *netHTTP) close() {
	for _, body := range n.held {
		body.Close()
	}
	n.transport.CloseIdleConnections()
}

// netHTTPCall is what the hooks of one request share. client.mu guards it: hooks
// run on goroutines of the transport, and after the call too.
type netHTTPCall struct {
	client *netHTTP
	why    trace.Reason
	put    bool // the connection was offered to the pool
	visit  visit
}

func (c *netHTTPCall) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectStart: func(_, _ string) { c.connecting() },
		ConnectDone:  func(_, _ string, err error) { c.connected(err) },
		GotConn: func(info httptrace.GotConnInfo) {
			c.client.mu.Lock()
			defer c.client.mu.Unlock()
			c.visit = visit{info.Conn.LocalAddr().String(), info.Reused}
		},
		PutIdleConn: func(err error) {
			c.client.mu.Lock()
			defer c.client.mu.Unlock()
			if c.put = true; err != nil { // it is closed: there are enough idle ones
				c.client.lost[trace.EvictedOrigin]++
			}
		},
	}
}

// connecting finds out why a new connection is opened, which net/http does not
// tell: in place of one that was lost, or because all are in use.
func (c *netHTTPCall) connecting() {
	n := c.client
	n.mu.Lock()
	defer n.mu.Unlock()
	c.why = trace.AllBusy
	if n.said.opened+n.said.dialing == 0 {
		c.why = trace.FirstToRoute
	}
	for why := range n.lost.All {
		n.lost[why]--
		c.why = why
		break
	}
	n.said.dialing++
}

func (c *netHTTPCall) connected(err error) {
	n := c.client
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said.dialing--
	if err == nil {
		n.said.opened++
		n.said.reasons[c.why]++
	}
}
