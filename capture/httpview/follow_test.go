package httpview_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/httpview"
	"sonde/capture/internal/build"
)

// packets is who takes packets: a View or a Follow.
type packets interface {
	Packet(*decode.Packet, int64) flow.Segment
	Close()
}

// talk sends a conversation, in whole packets, on a connection with that port.
func converse(to packets, port uint16, s script) {
	var p decode.Packet
	next := [2]uint32{100, 500}
	at := int64(0)
	send := func(d int, flags uint8, text string) {
		at += 1_000_000
		seg := build.TCP{
			Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: port, DstPort: 80,
			Seq: next[d], Ack: next[1-d], Flags: flags,
		}
		if d == 1 {
			seg.Src, seg.Dst, seg.SrcPort, seg.DstPort = seg.Dst, seg.Src, seg.DstPort, seg.SrcPort
		}
		p.Decode(capture.LinkEthernet, seg.Frame([]byte(text)))
		to.Packet(&p, at)
		next[d] += uint32(len(text))
		if flags&3 != 0 {
			next[d]++
		}
	}
	send(0, 0x02, "")
	send(1, 0x12, "")
	for _, line := range s {
		d := 0
		if line[0] == 's' {
			d = 1
		}
		if line[1] == '$' {
			send(d, 0x11, "")
			continue
		}
		send(d, 0x18, escapes.Replace(line[2:]))
	}
}

func TestFollow(t *testing.T) {
	c, s := newPeer(), newPeer()
	tests := []struct {
		name string
		run  script
		want string
	}{
		{"HTTP1", script{
			`c GET /?token=hunter2 HTTP/1.1\r\nHost: h\r\nCookie: a=hunter2\r\nAuth`, `c orization: Bearer hunter2\r\n\r\n`,
			"s HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\n\x1b[2J", `c$`, `s$`,
		}, `> GET /?token=[redacted] HTTP/1.1
> Host: h
> Cookie: a=[redacted]
> Authorization: Bearer [redacted]
> 
< HTTP/1.1 200 OK
< Content-Length: 4
< 
< \x1b[2J
[client: closed]
[server: closed]
`},
		{"a secret in two pieces with an answer between", script{
			`c GET / HTTP/1.1\r\nAuth`, `s HTTP/1.1 100 Continue\r\n`, `c orization: hunter2\r\n`, `c$`, `s$`,
		}, `> GET / HTTP/1.1
> Auth
< HTTP/1.1 100 Continue
> [redacted]
[client: closed]
[server: closed]
`},
		{"HTTP2", script{
			"c " + clientPreface + frame(headers, endStream|endHeaders, 1, c.block(":path: /", "cookie: a=hunter2")),
			"s " + frame(headers, endHeaders, 1, s.block(":status: 200")) + frame(data, endStream|padded, 1, "\x01text\x00"), `s$`, `c$`,
		}, `> [client stream 1 HEADERS length N end :path: /, cookie: a=[redacted]]
< [server stream 1 HEADERS length N :status: 200]
< text
< [server stream 1 DATA length N end]
[server: closed]
[client: closed]
`},
		{"anything", script{`s 220 ready\r\n`, `c EHLO x\r\n`, `c$`, `s$`}, `< 220 ready
> EHLO x
[client: closed]
[server: closed]
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			f := httpview.NewFollow(&out, httpview.FollowConfig{Conn: 1})
			converse(f, 1111, script{`c GET /other HTTP/1.1\r\n\r\n`})
			if f.Found() {
				t.Error("found too early")
			}
			converse(f, 2222, tt.run)
			f.Close()
			got := lengths.ReplaceAllString(out.String(), "length N")
			if want := "[10.0.0.1:2222 > 10.0.0.2:80]\n" + tt.want; got != want || !f.Done() || !f.Found() || f.Err() != nil {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestFollowColor(t *testing.T) {
	var out bytes.Buffer
	f := httpview.NewFollow(&out, httpview.FollowConfig{Color: true, Secrets: true})
	converse(f, 1111, script{`c Authorization: hunter2\n`, `s yes`})
	f.Close()
	want := "\x1b[31mAuthorization: hunter2\x1b[0m\n\x1b[34myes\x1b[0m\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
}

func FuzzFollow(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\n"), uint8(5))
	f.Add([]byte(clientPreface+frame(headers, 5, 1, "\x82")), []byte(frame(data, 9, 1, "\x01x\x00")), uint8(100))
	f.Fuzz(func(t *testing.T, a, b []byte, n uint8) {
		var out bytes.Buffer
		fl := httpview.NewFollow(&out, httpview.FollowConfig{})
		st := fl.Stream(&flow.Conn{})
		for len(a)+len(b) > 0 {
			k := min(int(n)+1, len(a))
			st.Data(0, 1, a[:k])
			a = a[k:]
			k = min(int(n)+1, len(b))
			st.Data(1, 1, b[:k])
			b = b[k:]
		}
		st.Gap(flow.Dir(n&1), 1, 5)
		st.End(0, 1, flow.EndFIN)
		st.End(1, 1, flow.EndFIN)
		for _, c := range out.Bytes() {
			if (c < ' ' && c != '\n' && c != '\t') || c > '~' {
				t.Fatalf("%q is written", out.String())
			}
		}
	})
}

func ExampleView() {
	v := httpview.New(httpview.Config{
		Exchange: func(x *httpview.Exchange) { fmt.Printf("%s\n", x.AppendText(nil)) },
	})
	converse(v, 40000, script{`c GET /a HTTP/1.1\r\nHost: h\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`})
	v.Close()
	// Output: 10.0.0.1.40000 > 10.0.0.2.80: GET http://h/a HTTP/1.1 -> 200 (2 bytes), first byte 1.000ms, end 1.000ms, conn 0 req 1
}

func ExampleFollow() {
	f := httpview.NewFollow(os.Stdout, httpview.FollowConfig{Conn: 0})
	converse(f, 40000, script{`c GET /a HTTP/1.1\r\nCookie: id=5\r\n`, `s HTTP/1.1 400 Bad Request\r\n`, `c$`, `s$`})
	f.Close()
	// Output:
	// [10.0.0.1:40000 > 10.0.0.2:80]
	// > GET /a HTTP/1.1
	// > Cookie: id=[redacted]
	// < HTTP/1.1 400 Bad Request
	// [client: closed]
	// [server: closed]
}
