package sonde_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sonde"
)

// fieldCase is a row of docs/fields.md, which has the same names.
type fieldCase struct {
	name   string
	method sonde.Method
	opts   []sonde.Option
	want   string // the lines on the wire, without the request line and, where it is not the point, sonde's User-Agent; HOST is the URL's
	body   string // on the wire, with its framing
	refuse string // or a part of the error
}

func header(lines ...string) sonde.Header {
	var h sonde.Header
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		if err := h.Add(name, value); err != nil {
			panic(err)
		}
	}
	return h
}

func trailers(names ...string) sonde.Option {
	return sonde.WithTrailer(func() (sonde.Header, error) { return header("X-Sum: 1"), nil }, names...)
}

func fieldCases() []fieldCase {
	set, add, exact := sonde.WithHeader, sonde.WithAddedHeader, sonde.WithExactHeader
	opts := func(o ...sonde.Option) []sonde.Option { return o }
	hello := sonde.WithBody(sonde.Bytes([]byte("hello")))
	unknown := sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("hello")), nil
	}))
	const length, chunks = "Content-Length: 5", "5\r\nhello\r\n0\r\n\r\n"
	return []fieldCase{
		{name: "Host: not set", want: "Host: HOST"},
		{name: "Host: set", opts: opts(set("A", "b"), set("host", "other.example:80")), want: "Host: other.example:80|A: b"},
		{name: "Host: by WithHost", opts: opts(sonde.WithHost("other.example")), want: "Host: other.example"},
		{name: "Host: with an IPv6 zone", opts: opts(set("Host", "[fe80::1%25eth0]")), want: "Host: [fe80::1]"},
		{name: "Host: with an IPv6 zone as net writes it", opts: opts(set("Host", "[fe80::1%eth0]:81")), want: "Host: [fe80::1]:81"},
		{name: "Host: international", opts: opts(set("Host", "bücher.example")), want: "Host: xn--bcher-kva.example"},
		{name: "Host: twice", opts: opts(set("Host", "a"), add("Host", "a")), refuse: "more than once"},
		{name: "Host: empty", opts: opts(set("Host", "")), refuse: "is not a host"},
		{name: "Host: with a path or a user", opts: opts(set("Host", "a/b")), refuse: "is not a host"},

		{name: "Content-Length: not set", opts: opts(hello), method: sonde.POST, want: "Host: HOST|" + length, body: "hello"},
		{name: "Content-Length: not set, GET without a body", want: "Host: HOST"},
		{name: "Content-Length: not set, POST without a body", method: sonde.POST, want: "Host: HOST|Content-Length: 0"},
		{name: "Content-Length: right", opts: opts(hello, set("Content-Length", "5")), method: sonde.POST, want: "Host: HOST|" + length, body: "hello"},
		{name: "Content-Length: right, twice", opts: opts(hello, set("Content-Length", "5"), add("content-length", "5")), method: sonde.POST, want: "Host: HOST|" + length, body: "hello"},
		{name: "Content-Length: of a body of unknown length", opts: opts(unknown, set("Content-Length", "5")), method: sonde.POST, want: "Host: HOST|" + length, body: "hello"},
		{name: "Content-Length: 0 without a body", opts: opts(set("Content-Length", "0")), want: "Host: HOST|Content-Length: 0"},
		{name: "Content-Length: wrong", opts: opts(hello, set("Content-Length", "4")), method: sonde.POST, refuse: "the body has 5 bytes"},
		{name: "Content-Length: without a body", opts: opts(set("Content-Length", "5")), refuse: "the body has 0 bytes"},
		{name: "Content-Length: two different", opts: opts(unknown, set("Content-Length", "5"), add("Content-Length", "6")), method: sonde.POST, refuse: "Content-Length"},
		{name: "Content-Length: signed or no number", opts: opts(unknown, set("Content-Length", "+5")), method: sonde.POST, refuse: "is no length"},

		{name: "Transfer-Encoding: not set, unknown length", opts: opts(unknown), method: sonde.POST, want: "Host: HOST|Transfer-Encoding: chunked", body: chunks},
		{name: "Transfer-Encoding: chunked", opts: opts(hello, set("transfer-encoding", "chunked")), method: sonde.POST, want: "Host: HOST|Transfer-Encoding: chunked", body: chunks},
		{name: "Transfer-Encoding: another", opts: opts(hello, set("Transfer-Encoding", "gzip, chunked")), method: sonde.POST, refuse: "only chunked can"},
		{name: "Transfer-Encoding: empty", opts: opts(hello, set("Transfer-Encoding", "")), method: sonde.POST, refuse: "only chunked can"},
		{name: "Transfer-Encoding: twice", opts: opts(hello, set("Transfer-Encoding", "chunked"), add("Transfer-Encoding", "chunked")), method: sonde.POST, refuse: "only chunked can"},
		{name: "Transfer-Encoding: beside Content-Length", opts: opts(hello, set("Transfer-Encoding", "chunked"), set("Content-Length", "5")), method: sonde.POST, refuse: "cannot both be set"},
		{name: "Transfer-Encoding: without a body", opts: opts(set("Transfer-Encoding", "chunked")), method: sonde.POST, refuse: "no body"},

		{name: "Connection: close", opts: opts(set("Connection", "close")), want: "Host: HOST|Connection: close"},
		{name: "Connection: close and WithOneShot", opts: opts(set("connection", "Close"), sonde.WithOneShot()), want: "Host: HOST|connection: Close"},
		{name: "Connection: not set, WithOneShot", opts: opts(sonde.WithOneShot()), want: "Host: HOST|Connection: close"},
		{name: "Connection: another option", opts: opts(set("Connection", "keep-alive")), want: "Host: HOST|Connection: keep-alive"},
		{name: "Connection: another option and WithOneShot", opts: opts(set("Connection", "x"), sonde.WithOneShot()), want: "Host: HOST|Connection: x|Connection: close"},
		{name: "Upgrade: with Connection", opts: opts(set("Connection", "Upgrade"), set("Upgrade", "echo")), want: "Host: HOST|Connection: Upgrade|Upgrade: echo"},
		{name: "Upgrade: alone", opts: opts(set("Upgrade", "echo")), refuse: "Connection: upgrade"},

		{name: "Trailer: set", opts: opts(hello, set("Trailer", "X-Sum")), method: sonde.POST, refuse: "WithTrailer"},
		{name: "Trailer: by WithTrailer", opts: opts(hello, trailers("X-Sum")), method: sonde.POST,
			want: "Host: HOST|Transfer-Encoding: chunked|Trailer: X-Sum", body: "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{name: "Trailer: a field that frames or routes", opts: opts(hello, trailers("Content-Length")), method: sonde.POST, refuse: "Content-Length"},
		{name: "Trailer: such a field from the func", opts: opts(hello, sonde.WithTrailer(func() (sonde.Header, error) { return header("Host: a"), nil })),
			method: sonde.POST, refuse: "may not be sent as a trailer"},
		{name: "Trailer: without a body", opts: opts(trailers("X-Sum")), method: sonde.POST, refuse: "no body"},

		{name: "Expect: 100-continue", opts: opts(hello, set("expect", "100-Continue")), method: sonde.POST, want: "Host: HOST|" + length + "|Expect: 100-continue", body: "hello"},
		{name: "Expect: 100-continue and WithExpectContinue", opts: opts(hello, set("Expect", "100-continue"), sonde.WithExpectContinue()), method: sonde.POST,
			want: "Host: HOST|" + length + "|Expect: 100-continue", body: "hello"},
		{name: "Expect: without content", opts: opts(set("Expect", "100-continue"), sonde.WithBody(sonde.Bytes(nil))), method: sonde.POST, want: "Host: HOST|Content-Length: 0"},
		{name: "Expect: something else", opts: opts(hello, set("Expect", "the unexpected")), method: sonde.POST, refuse: "only 100-continue"},

		{name: "User-Agent: not set", want: "Host: HOST|User-Agent: sonde/" + sonde.Version},
		{name: "User-Agent: set", opts: opts(set("user-agent", "mine")), want: "Host: HOST|user-agent: mine"},
		{name: "User-Agent: set empty", opts: opts(set("User-Agent", "")), want: "Host: HOST"},
		{name: "Content-Type: not set", opts: opts(sonde.WithBody(sonde.Text("hello"))), method: sonde.POST, want: "Host: HOST|Content-Type: text/plain; charset=utf-8|" + length, body: "hello"},
		{name: "Content-Type: set", opts: opts(set("content-type", "text/x"), sonde.WithBody(sonde.Text("hello"))), method: sonde.POST, want: "Host: HOST|content-type: text/x|" + length, body: "hello"},
		{name: "any other field", opts: opts(set("TE", "trailers"), add("x-a", "1"), add("x-a", "2")), want: "Host: HOST|TE: trailers|x-a: 1|x-a: 2"},
		{name: "any field with a control byte", opts: opts(set("X-A", "1\r\nX-B: 2")), refuse: "byte 0x0d"},

		{name: "exact: order and case", opts: opts(exact(header("accept: */*", "content-length: 5", "hOST: other.example", "USER-AGENT: x")), hello), method: sonde.POST,
			want: "accept: */*|content-length: 5|hOST: other.example|USER-AGENT: x", body: "hello"},
		{name: "exact: what the message needs is added", opts: opts(exact(header("accept: */*")), sonde.WithBody(sonde.Text("hello"))), method: sonde.POST,
			want: "Host: HOST|accept: */*|" + length, body: "hello"},
		{name: "exact: chunked and expected", opts: opts(exact(header("expect: 100-continue", "transfer-encoding: chunked", "host: a")), hello), method: sonde.POST,
			want: "expect: 100-continue|transfer-encoding: chunked|host: a", body: chunks},
		{name: "exact: an empty User-Agent", opts: opts(exact(header("User-Agent: "))), want: "Host: HOST|User-Agent: "},
		{name: "exact: a wrong length", opts: opts(exact(header("Content-Length: 4")), hello), method: sonde.POST, refuse: "the body has 5 bytes"},
		{name: "exact: a length twice", opts: opts(exact(header("Content-Length: 5", "Content-Length: 5")), hello), method: sonde.POST, refuse: "Content-Length"},
		{name: "exact: Expect without a body", opts: opts(exact(header("Expect: 100-continue"))), refuse: "no body"},
	}
}

// wired is what a server got; unread says why net/http's parser could not read it.
type wired struct {
	head, body string
	unread     error
}

// onWire sends a request to a server that reads it with net/http's parser and
// keeps its bytes.
func onWire(t *testing.T, method sonde.Method, opts ...sonde.Option) (got wired, host string, err error) {
	seen := make(chan wired, 1)
	p := newPeer(t, func(c *peerConn) {
		var wire bytes.Buffer
		c.r = bufio.NewReader(io.TeeReader(c.Conn, &wire))
		head := c.head()
		if strings.Contains(strings.ToLower(head), "\r\nexpect: 100-continue\r\n") {
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
		}
		c.r = bufio.NewReader(io.MultiReader(strings.NewReader(head), c.r))
		_, _, unread := c.request()
		head, body, _ := strings.Cut(wire.String(), "\r\n\r\n")
		seen <- wired{head, body, unread}
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	c := newClient(t, sonde.Config{})
	if _, err = c.Do(background, sonde.NewRequest(method, p.url()+"/", opts...)); err == nil {
		if got = <-seen; got.unread != nil {
			t.Errorf("net/http cannot read it: %v: %q, %q", got.unread, got.head, got.body)
		}
	}
	return got, p.ln.Addr().String(), err
}

// TestFields: what becomes of each field that the codec owns when it is set by
// hand, by the bytes on the wire.
func TestFields(t *testing.T) {
	for _, tt := range fieldCases() {
		t.Run(tt.name, func(t *testing.T) {
			if tt.method == "" {
				tt.method = sonde.GET
			}
			got, host, err := onWire(t, tt.method, tt.opts...)
			if tt.refuse != "" {
				var e *sonde.Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.refuse) {
					t.Fatalf("error %v, want one about %q", err, tt.refuse)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, lines, _ := strings.Cut(got.head, "\r\n")
			lines = strings.ReplaceAll(strings.ReplaceAll(lines, "\r\n", "|"), host, "HOST")
			if !strings.HasPrefix(tt.name, "User-Agent") && !strings.HasPrefix(tt.name, "exact") {
				lines = strings.Replace(lines, "|User-Agent: sonde/"+sonde.Version, "", 1)
			}
			if !strings.HasPrefix(tt.name, "exact") { // TestDecodeAsks has it
				lines = strings.Replace(lines, "|Accept-Encoding: gzip, deflate", "", 1)
			}
			if lines != tt.want || got.body != tt.body {
				t.Errorf("on the wire\n%s\n%q\nwant\n%s\n%q", lines, got.body, tt.want, tt.body)
			}
		})
	}
}

// TestFieldsByConfig: a field of the codec's is no default for all requests.
func TestFieldsByConfig(t *testing.T) {
	for _, name := range []string{"Host", "Content-Length", "transfer-encoding", "Connection", "Trailer", "Expect"} {
		if _, err := sonde.New(sonde.Config{Header: header(name + ": close")}); err == nil || !strings.Contains(err.Error(), "Config.Header") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, tt := range []struct {
		cfg  sonde.Config
		want string
	}{
		{sonde.Config{UserAgent: "mine"}, "mine"},
		{sonde.Config{UserAgent: "-"}, "none"},
		{sonde.Config{Header: header("user-agent: mine")}, "mine"},
		{sonde.Config{Header: header("user-agent: ")}, "none"},
	} {
		agent := "none"
		p := newPeer(t, func(c *peerConn) {
			if r, _, err := c.request(); err == nil {
				if v := r.Header.Values("User-Agent"); len(v) > 0 {
					agent = strings.Join(v, "|")
				}
				c.say(okAnswer)
			}
		})
		c := newClient(t, tt.cfg)
		mustGet(t, c, p.url(), "ok")
		if agent != tt.want {
			t.Errorf("User-Agent %q, want %q", agent, tt.want)
		}
	}
}

// TestFieldsCloseEndsConnection: Connection: close by hand is as WithOneShot.
func TestFieldsCloseEndsConnection(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{})
	if _, err := c.Get(background, p.url(), sonde.WithHeader("Connection", "close")); err != nil {
		t.Fatal(err)
	}
	if s := c.Pool().Stats(); s.Idle != 0 || s.Closed != 1 {
		t.Errorf("%+v", s)
	}
}

// TestFieldsDocument: docs/fields.md and the cases above name the same rows.
func TestFieldsDocument(t *testing.T) {
	text, err := os.ReadFile("docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, m[1])
	}
	for _, c := range fieldCases() {
		names = append(names, c.name)
	}
	slices.Sort(rows)
	slices.Sort(names)
	if !slices.Equal(rows, names) {
		t.Errorf("rows\n%s\ncases\n%s", strings.Join(rows, "\n"), strings.Join(names, "\n"))
	}
}
