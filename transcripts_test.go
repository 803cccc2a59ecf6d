package sonde_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// transcriptOf is what events say, without what differs from run to run but the
// addresses.
func transcriptOf(events []trace.Event) string {
	var text strings.Builder
	sink := trace.NewStableText(&text)
	for _, e := range events {
		sink.Record(e)
	}
	return text.String()
}

// aside are the steps of a request that is sent by a goroutine of its own, where
// their order among the others is open.
var aside = []trace.Kind{trace.FieldWritten, trace.HeadWritten, trace.BodyWritten, trace.RequestWritten}

var varying = strings.NewReplacer("sonde/"+sonde.Version, "sonde/VERSION")

var variable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`:\d{4,5}\b`), ":PORT"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs|s)\b`), "TIME"},
	{regexp.MustCompile(`connection \d+ for`), "connection N for"},
	{regexp.MustCompile(`write tcp \S+: (i/o timeout|use of closed network connection)`), "write tcp: the socket is closed"},
	{regexp.MustCompile(`(body-written +)[1-9]\d* bytes error`), "${1}N bytes error"},
}

// golden is the transcript as it is kept: with ports, times and the like replaced,
// and with the kinds of events that go beside the others behind them.
func golden(events []trace.Event, beside []trace.Kind) string {
	var main, other []trace.Event
	for _, e := range events {
		if slices.Contains(beside, e.Kind) {
			other = append(other, e)
		} else {
			main = append(main, e)
		}
	}
	text := transcriptOf(main)
	if len(other) > 0 {
		text += "beside it, in an order of their own:\n" + transcriptOf(other)
	}
	text = varying.Replace(text)
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	return text
}

// transcriptFile is where a transcript is kept, behind a line that says what it is.
func transcriptFile(name string) string {
	return filepath.Join("testdata", "transcripts", name+".txt")
}

func writeTranscript(t *testing.T, name, about, text string) {
	if err := os.WriteFile(transcriptFile(name), []byte("# "+about+"\n"+text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readTranscript(t *testing.T, name string) string {
	t.Helper()
	file, err := os.ReadFile(transcriptFile(name))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(file), "\n")
	return text
}

// sameTranscript wants run to give want. A machine that stood still can change
// what happens: then it runs again.
func sameTranscript(t *testing.T, want string, run func() string) {
	t.Helper()
	got := ""
	for range 3 {
		if got = run(); got == want {
			return
		}
	}
	t.Errorf("got\n%s\nwant\n%s", got, want)
}

// TestTranscripts: what a client says of whole calls, step by step. Those of
// redirects and proxies come with them.
func TestTranscripts(t *testing.T) {
	for _, s := range scripts() {
		t.Run(s.name, func(t *testing.T) {
			run := func() string {
				rec := new(trace.Recorder)
				s.cfg.Sink = rec
				p := newPeer(t, s.peer)
				c := newClient(t, s.cfg)
				s.call(c, strings.Replace(s.url, "PEER", strings.TrimPrefix(p.url(), "http://127.0.0.1:"), 1))
				return golden(rec.Events(), s.beside)
			}
			if *update {
				writeTranscript(t, s.name, s.about, run())
			} else {
				sameTranscript(t, readTranscript(t, s.name), run)
			}
		})
	}
}

// script is a call, or a few, with a server that plays its part.
type script struct {
	name, about string
	url         string // PEER is the peer's port
	cfg         sonde.Config
	peer        func(*peerConn)
	call        func(c *sonde.Client, url string)
	beside      []trace.Kind
}

func scripts() []script {
	ok := func(c *peerConn) { c.serve(okAnswer) }
	get := func(c *sonde.Client, url string) { c.Get(background, url) }
	const plain = "http://127.0.0.1:PEER/"
	return []script{
		{name: "new-connection", about: "The first request to a server.", url: plain, peer: ok, call: get},
		{name: "reuse", about: "Two requests on one connection, which the client closes in the end.", url: plain, peer: ok,
			call: func(c *sonde.Client, url string) {
				c.Get(background, url)
				c.Get(background, url)
				c.Close()
			}},
		{name: "retry", about: "The server ends a kept connection instead of answering: the request is sent again.", url: plain,
			peer: func(c *peerConn) {
				if c.n == 1 {
					c.head()
					c.say(okAnswer)
					c.head()
					return
				}
				c.serve(okAnswer)
			},
			call: func(c *sonde.Client, url string) {
				c.Get(background, url)
				c.Get(background, url)
			}},
		{name: "redirect", about: "A redirect to another origin, which does not get the credentials.", url: plain,
			peer: func(c *peerConn) {
				other := newPeer(c.t, func(c *peerConn) { c.serve(okAnswer) })
				c.serve("HTTP/1.1 302 Found\r\nLocation: " + other.url() + "/there\r\nContent-Length: 0\r\n\r\n")
			},
			call: func(c *sonde.Client, url string) {
				c.Get(background, url, sonde.WithHeader("Authorization", "Bearer secret"), sonde.WithHeader("X-Kept", "yes"))
			}},
		{name: "continue", about: "A body that waits for 100 Continue, and a trailer section after the response's.", url: plain,
			peer: func(c *peerConn) {
				c.head()
				c.say("HTTP/1.1 100 Continue\r\n\r\n")
				c.r.Discard(len("some text"))
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: secret\r\n\r\n")
				c.gone()
			},
			call: func(c *sonde.Client, url string) {
				c.Post(background, url, sonde.Text("some text"), sonde.WithExpectContinue())
			},
			beside: []trace.Kind{trace.BodyWritten, trace.RequestWritten}},
		{name: "early", about: "The server answers 413 in the middle of an upload, which ends the connection.", url: plain,
			peer: func(c *peerConn) {
				c.head()
				c.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
				c.gone()
			},
			call: func(c *sonde.Client, url string) {
				r, w := io.Pipe()
				defer w.Close()
				c.Post(background, url, sonde.Reader(r, -1))
			}, beside: aside},
		{name: "tls-failure", about: "A certificate that nobody vouches for, and a server that speaks no TLS.",
			url: "https://127.0.0.1:PEER/",
			peer: func(c *peerConn) {
				if c.n == 1 {
					server, _ := certificates(c.t)
					tls.Server(c.Conn, server).Handshake()
					return
				}
				c.say("HTTP/1.1 400 Bad Request\r\n\r\n")
				c.gone()
			},
			call: func(c *sonde.Client, url string) {
				c.Get(background, url)
				c.Get(background, url)
			}},
		{name: "proxy-connect", about: "A tunnel through an HTTP proxy, a request in it, another; then the proxy refuses.",
			url: "https://127.0.0.1:PEER/", peer: proxyScript, beside: nil,
			call: func(c *sonde.Client, url string) {
				c = changed(c, "http://me:secret@"+hostOf(url))
				c.Get(background, "https://localhost/")
				c.Get(background, "https://localhost/")
				c.Get(background, "https://refused.test/", sonde.WithOneShot())
			}},
		{name: "proxy-socks", about: "The same through a SOCKS 5 proxy, which looks the names up.",
			url: "https://127.0.0.1:PEER/", peer: proxyScript,
			call: func(c *sonde.Client, url string) {
				c = changed(c, "socks5h://me:secret@"+hostOf(url))
				c.Get(background, "https://localhost/")
				c.Get(background, "https://refused.test/")
			}},
		{name: "proxy-forward", about: "A proxy that forwards requests, over TLS, to two origins on one connection.",
			url: "https://127.0.0.1:PEER/",
			peer: func(c *peerConn) {
				server, _ := certificates(c.t)
				s := tls.Server(c.Conn, server)
				(&peerConn{Conn: s, r: bufio.NewReader(s), t: c.t}).serve(okAnswer)
			},
			call: func(c *sonde.Client, url string) {
				c = changed(c, "https://me:secret@"+hostOf(url))
				c.Get(background, "http://one.test/")
				c.Get(background, "http://two.test/")
			}},
		{name: "dns-failure", about: "A name without addresses.", url: "http://bad.test:PEER/", peer: ok, call: get,
			cfg: sonde.Config{Resolver: nameTable{}}},
		{name: "addresses-fail", about: "A name with two addresses, where nobody listens.", url: "http://two.test:PEER/", peer: ok, call: get,
			cfg: sonde.Config{Resolver: nameTable{"two.test": {"127.0.0.8", "127.0.0.9"}}}},
		{name: "race", about: "A name with two addresses, of which the first fails.", url: "http://two.test:PEER/", peer: ok, call: get,
			cfg: sonde.Config{Resolver: nameTable{"two.test": {"127.0.0.9", "127.0.0.1"}}}},
	}
}

// TestTranscriptsOfCancel: a cancel in every phase.
func TestTranscriptsOfCancel(t *testing.T) {
	everyPhase(t, "cancel", "A cancel in every phase in which a call can hang.", func(h phase, rec *trace.Recorder) {
		ctx, cancel := context.WithCancelCause(background)
		later := func() { time.AfterFunc(50*time.Millisecond, func() { cancel(errMine) }) }
		if h.hang == nil {
			later()
		}
		h.run(t, ctx, func(cfg *sonde.Config) { cfg.Sink = rec }, h.url == "https", later)
	})
}

// TestTranscriptsOfTimeouts: the timeout of each phase that has one, and the
// call's in the others.
func TestTranscriptsOfTimeouts(t *testing.T) {
	about := "The timeout of every phase in which a call can hang; where there is none, the call's."
	everyPhase(t, "timeout", about, func(h phase, rec *trace.Recorder) {
		const wait = 200 * time.Millisecond
		h.run(t, background, func(cfg *sonde.Config) {
			if cfg.Sink = rec; h.time != nil {
				h.time(&cfg.Timeouts, wait)
			} else {
				cfg.Timeouts.Call = wait
			}
		}, h.url == "https", nil)
	})
}

// everyPhase compares the transcripts of calls that hang, each with its part of
// the file.
func everyPhase(t *testing.T, name, about string, run func(phase, *trace.Recorder)) {
	var all strings.Builder
	parts := map[string]string{}
	if !*update {
		for part := range strings.SplitSeq(readTranscript(t, name), "\n-- ") {
			title, text, _ := strings.Cut(part, " --\n")
			parts[title] = text
		}
	}
	for _, h := range hangs() {
		once := func() string {
			rec := new(trace.Recorder)
			run(h, rec)
			var beside []trace.Kind
			switch h.name {
			case "write", "request body", "request body left behind":
				beside = aside
			}
			return golden(rec.Events(), beside)
		}
		if *update {
			all.WriteString("\n-- " + h.name + " --\n" + once())
			continue
		}
		t.Run(h.name, func(t *testing.T) { sameTranscript(t, parts[h.name], once) })
	}
	if *update {
		writeTranscript(t, name, about, all.String())
	}
}
