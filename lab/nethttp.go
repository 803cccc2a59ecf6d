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
	said Account
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

func netHTTPUndrained(int) (Subject, error) { return newNetHTTP(unchanged, (*netHTTP).hold), nil }
func netHTTPDrained(int) (Subject, error)   { return newNetHTTP(unchanged, (*netHTTP).drain), nil }

func netHTTPTuned(goroutines int) (Subject, error) {
	return newNetHTTP(func(t *http.Transport) { t.MaxIdleConnsPerHost = goroutines }, (*netHTTP).drain), nil
}

func netHTTPOneShot(int) (Subject, error) {
	return newNetHTTP(func(t *http.Transport) { t.DisableKeepAlives = true }, (*netHTTP).drain), nil
}

// Get is one request; what becomes of its body is the experiment's.
func (n *netHTTP) Get(ctx context.Context, url string) (Visit, error) {
	call := &netHTTPCall{client: n}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, call.hooks()), http.MethodGet, url, nil)
	if err != nil {
		return Visit{}, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return Visit{}, err
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

// Account is what the hooks told.
func (n *netHTTP) Account() Account {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.said
}

// Close closes the bodies that were held, and the connections.
func (n *netHTTP) Close() {
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
	visit  Visit
}

func (c *netHTTPCall) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectStart: func(_, _ string) { c.connecting() },
		ConnectDone:  func(_, _ string, err error) { c.connected(err) },
		GotConn: func(info httptrace.GotConnInfo) {
			c.client.mu.Lock()
			defer c.client.mu.Unlock()
			c.visit = Visit{info.Conn.LocalAddr().String(), info.Reused}
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
	if n.said.Opened+n.said.Dialing == 0 {
		c.why = trace.FirstToRoute
	}
	for why := range n.lost.All {
		n.lost[why]--
		c.why = why
		break
	}
	n.said.Dialing++
}

func (c *netHTTPCall) connected(err error) {
	n := c.client
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said.Dialing--
	if err == nil {
		n.said.Opened++
		n.said.Reasons[c.why]++
	}
}
