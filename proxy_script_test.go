package sonde_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// toTarget is a GET for an https origin that nobody needs to reach.
const toTarget = "https://target.test/"

// scriptedProxy is a client whose proxy is a script.
func scriptedProxy(t *testing.T, scheme string, handle func(*peerConn), cfg sonde.ProxyConfig) (*sonde.Client, *proxyPeer) {
	p := newPeer(t, handle)
	return proxied(t, scheme+"://"+p.ln.Addr().String(), cfg), &proxyPeer{peer: p}
}

// says is a script that answers the first head with these words and waits.
func says(answer string) func(*peerConn) {
	return func(c *peerConn) {
		c.head()
		c.say(answer)
		c.gone()
	}
}

// TestProxyAnswers: what a proxy answers to CONNECT, by the letter.
func TestProxyAnswers(t *testing.T) {
	const body = "<h1>no</h1>"
	for _, tt := range []struct {
		name, answer string
		closes       bool // right behind it
		status       sonde.Status
		body, text   string
	}{
		{name: "403", answer: "HTTP/1.1 403 Policy says no\r\nContent-Length: 11\r\nX-Why: policy\r\n\r\n" + body,
			status: 403, body: body, text: "403 Policy says no"},
		{name: "chunked", answer: "HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + body + "\r\n0\r\n\r\n", status: 502, body: body},
		{name: "until close", answer: "HTTP/1.0 503 Busy\r\n\r\n" + body, closes: true, status: 503, body: body},
		{name: "a body that does not come", answer: "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n" + body, status: 503, body: body},
		{name: "a redirect", answer: "HTTP/1.1 302 Login\r\nLocation: http://login.test/\r\nContent-Length: 0\r\n\r\n", status: 302},
		{name: "407 without Auth", answer: "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", status: 407},
		{name: "1xx before", answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", status: 403},
		{name: "1xx without end", answer: strings.Repeat("HTTP/1.1 103 Early\r\n\r\n", 40), text: "too many informational responses"},
		{name: "101", answer: "HTTP/1.1 101 Switching\r\n\r\n", text: "was not asked for"},
		{name: "nothing", closes: true, text: "closed the connection"},
		{name: "half a head", answer: "HTTP/1.1 200 O", closes: true, text: "within a response head"},
		{name: "garbage", answer: "SSH-2.0-OpenSSH\r\n", text: "not an HTTP response"},
		{name: "TLS", answer: "\x15\x03\x01\x00\x02\x02\x0a", text: "TLS record"},
		{name: "a head too long", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10), text: "more than 262144 bytes"},
		{name: "a bare CR", answer: "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", text: "CR without LF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, p := scriptedProxy(t, "http", func(c *peerConn) {
				c.head()
				c.say(tt.answer)
				if !tt.closes {
					c.gone()
				}
			}, sonde.ProxyConfig{})
			var rec trace.Recorder
			_, err := c.Get(background, toTarget, sonde.WithSink(&rec))
			pe := wantProxyError(t, err, p)
			if pe.Status != tt.status || string(pe.Body) != tt.body || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("status %d, body %q, error %v", pe.Status, pe.Body, err)
			}
			if strings.Contains(err.Error(), body) {
				t.Errorf("the body is in the error: %v", err)
			}
			if tt.name == "403" && pe.Header.Get("X-Why") != "policy" {
				t.Errorf("fields %v", pe.Header)
			}
			if tt.name == "a body that does not come" != pe.Truncated {
				t.Errorf("truncated: %v", pe.Truncated)
			}
			if rec.Count(trace.ProxyStart) != 1 || rec.Count(trace.ProxyDone) != 1 || rec.Count(trace.ProxyChosen) != 1 {
				t.Errorf("events\n%s", transcriptOf(rec.Events()))
			}
		})
	}
}

// TestProxyAcceptsAs: what counts as a tunnel, with TLS in it.
func TestProxyAcceptsAs(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n",
		"HTTP/1.1 204 Fine\r\n\r\n",
		// RFC 9110 §9.3.6: these say nothing in a 2xx answer to CONNECT.
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nProxy-Connection: close\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\nX: y\n\n",
	} {
		server, _ := certificates(t)
		c, _ := scriptedProxy(t, "http", func(c *peerConn) {
			c.head()
			c.say(answer)
			s := tls.Server(readAhead{c}, server)
			(&peerConn{Conn: s, r: bufio.NewReader(s), t: c.t}).serve(okAnswer)
		}, sonde.ProxyConfig{})
		for range 2 {
			if r, err := c.Get(background, "https://localhost/"); err != nil || string(r.Body) != "ok" {
				t.Errorf("after %q: %v", answer, err)
			}
		}
	}
}

// TestProxyBytesBehind: bytes behind the 200 belong to the tunnel. TLS reads them
// first; where HTTP follows, they could only be a forged answer.
func TestProxyBytesBehind(t *testing.T) {
	c, p := scriptedProxy(t, "http", says("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"), sonde.ProxyConfig{Tunnel: true})
	_, err := c.Get(background, "http://target.test/")
	wantProxyError(t, err, p)
	_, err = c.Get(background, toTarget)
	if e, ok := errors.AsType[*sonde.Error](err); !ok || e.Op != sonde.OpTLS || !strings.Contains(err.Error(), "plain HTTP answer") {
		t.Errorf("TLS: %v", err)
	}
}

// TestProxyHangs: timeouts, the context and Close end every step.
func TestProxyHangs(t *testing.T) {
	steps := map[string]struct {
		scheme string
		script func(*peerConn)
	}{
		"CONNECT":          {"http", says("")},
		"half an answer":   {"http", says("HTTP/1.1 200 ")},
		"informational":    {"http", says("HTTP/1.1 103 Early\r\n\r\n")},
		"TLS":              {"https", func(c *peerConn) { c.gone() }},
		"SOCKS greeting":   {"socks5h", func(c *peerConn) { c.gone() }},
		"SOCKS reply":      {"socks5h", func(c *peerConn) { c.r.Discard(3); c.say("\x05\x00"); c.gone() }},
		"SOCKS half reply": {"socks5h", func(c *peerConn) { c.r.Discard(3); c.say("\x05\x00\x05\x00\x00\x03\x7f"); c.gone() }},
	}
	for name, step := range steps {
		for _, how := range []string{"timeout", "deadline", "cancel", "close", "call"} {
			t.Run(name+" "+how, func(t *testing.T) {
				arrived := make(chan struct{})
				p := newPeer(t, func(c *peerConn) {
					c.hanging = func() { close(arrived) }
					step.script(c)
				})
				cfg := sonde.Config{Proxy: sonde.FixedProxy(mustProxy(t, step.scheme+"://"+p.ln.Addr().String(), sonde.ProxyConfig{}))}
				ctx, cancel := context.WithCancelCause(background)
				defer cancel(nil)
				want := os.ErrDeadlineExceeded
				switch how {
				case "timeout":
					cfg.Timeouts.Proxy, cfg.Timeouts.TLS = 50*time.Millisecond, 50*time.Millisecond
				case "call":
					cfg.Timeouts.Call = 50 * time.Millisecond
				case "deadline":
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, 50*time.Millisecond)
					defer stop()
					want = context.DeadlineExceeded
				case "cancel":
					want = errMine
				case "close":
					want = sonde.ErrClosed
				}
				c := newClient(t, cfg)
				go func() {
					<-arrived
					switch how {
					case "cancel":
						cancel(errMine)
					case "close":
						c.Close()
					}
				}()
				within(t, 30*time.Second, func() {
					_, err := c.Get(ctx, toTarget)
					e, ok := errors.AsType[*sonde.Error](err)
					// The proxy may have accepted what is not yet known to be connected.
					early := how == "close" || how == "cancel" && ok && e.Op == sonde.OpConnect
					if !ok || !errors.Is(err, want) || !early && e.Op != sonde.OpProxy {
						t.Errorf("error %v", err)
					}
				})
				p.ln.Close()
				select {
				case <-arrived:
				default:
					close(arrived) // it ended before the proxy got there
				}
			})
		}
	}
}

// TestProxySOCKS: what a SOCKS proxy answers, by the letter.
func TestProxySOCKS(t *testing.T) {
	for _, tt := range []struct {
		name, method, reply, text string
		closes                    bool
		code                      int
	}{
		{name: "refused", method: "\x05\x00", reply: "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", text: "connection refused", code: 5},
		{name: "a reply of two bytes", method: "\x05\x00", reply: "\x05\x02", closes: true, text: "not allowed by ruleset", code: 2},
		{name: "an unknown reply", method: "\x05\x00", reply: "\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00", text: "unassigned reply 99", code: 99},
		{name: "credentials wanted", method: "\x05\xff", text: "wants credentials"},
		{name: "a method not offered", method: "\x05\x02", text: "method 2, which was not offered"},
		{name: "SOCKS 4", method: "\x00\x5b", text: "SOCKS 4"},
		{name: "HTTP", method: "HTTP/1.1 400 Bad Request\r\n\r\n", text: "HTTP answer to SOCKS"},
		{name: "closed", closes: true, text: "closed the connection during the handshake"},
		{name: "closed within", method: "\x05", closes: true, text: "closed the connection during the handshake"},
		{name: "closed within the reply", method: "\x05\x00", reply: "\x05\x00\x00\x03\x10abc", closes: true, text: "closed the connection"},
		{name: "an unknown address type", method: "\x05\x00", reply: "\x05\x00\x00\x09\x00\x00", text: "unknown type 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, p := scriptedProxy(t, "socks5h", func(c *peerConn) {
				c.r.Discard(3)
				if c.say(tt.method); tt.reply != "" {
					c.r.Discard(4 + 1 + len("target.test") + 2)
					c.say(tt.reply)
				}
				if !tt.closes {
					c.gone()
				}
			}, sonde.ProxyConfig{})
			_, err := c.Get(background, toTarget)
			if pe := wantProxyError(t, err, p); pe.Reply != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("reply %d, error %v", pe.Reply, err)
			}
		})
	}
}

// TestProxySOCKSReply: the address in the reply may be of any type, and TLS follows
// at once.
func TestProxySOCKSReply(t *testing.T) {
	for _, reply := range []string{
		"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50",
		"\x05\x00\x00\x04" + strings.Repeat("\x00", 16) + "\x00\x50",
		"\x05\x00\x00\x03\x00\x00\x50", "\x05\x00\x00\x03\x04name\x00\x50",
	} {
		server, _ := certificates(t)
		c, _ := scriptedProxy(t, "socks5h", func(c *peerConn) {
			c.r.Discard(3)
			c.say("\x05\x00")
			c.r.Discard(4 + 1 + len("localhost") + 2)
			c.say(reply)
			s := tls.Server(readAhead{c}, server)
			(&peerConn{Conn: s, r: bufio.NewReader(s), t: c.t}).serve(okAnswer)
		}, sonde.ProxyConfig{})
		if r, err := c.Get(background, "https://localhost/"); err != nil || string(r.Body) != "ok" {
			t.Errorf("after %q: %v", reply, err)
		}
	}
}

// TestProxyUnreachable: the phase says what failed, the error which proxy.
func TestProxyUnreachable(t *testing.T) {
	for _, tt := range []struct {
		url string
		op  sonde.Op
	}{
		{"http://me:secret@bad.test:3128", sonde.OpResolve}, {"socks5://me:secret@127.0.0.1:1", sonde.OpConnect},
	} {
		c := newClient(t, sonde.Config{Resolver: nameTable{}, Proxy: sonde.FixedProxy(mustProxy(t, tt.url, sonde.ProxyConfig{}))})
		for _, url := range []string{"http://127.0.0.1/", toTarget} {
			_, err := c.Get(background, url)
			e, _ := errors.AsType[*sonde.Error](err)
			pe, ok := errors.AsType[*sonde.ProxyError](err)
			if !ok || e.Op != tt.op || "me:secret@"+pe.Proxy[strings.Index(pe.Proxy, "//")+2:] != tt.url[strings.Index(tt.url, "//")+2:] ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s through %s: %v", url, tt.url, err)
			}
		}
	}
}

// readAhead is a connection of a script, with what its reader has already.
type readAhead struct{ *peerConn }

func (r readAhead) Read(p []byte) (int, error) { return r.r.Read(p) }
