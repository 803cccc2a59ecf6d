package httpview_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"sonde/capture/flow"
	"sonde/capture/httpview"
)

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// peer makes the frames of one direction.
type peer struct {
	buf bytes.Buffer
	enc *hpack.Encoder
}

func newPeer() *peer {
	p := &peer{}
	p.enc = hpack.NewEncoder(&p.buf)
	return p
}

// block encodes fields: "name: value", where a name may begin with a colon.
func (p *peer) block(fields ...string) string {
	p.buf.Reset()
	for _, f := range fields {
		i := strings.Index(f[1:], ": ") + 1
		p.enc.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+2:]})
	}
	return p.buf.String()
}

func frame(kind, flags byte, stream uint32, payload string) string {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return string(binary.BigEndian.AppendUint32(b, stream)) + payload
}

const (
	data, headers, rst, settings, push, goAway, continuation = 0, 1, 3, 4, 5, 7, 9
	endStream, endHeaders, padded                            = 1, 4, 8
)

func TestHTTP2(t *testing.T) {
	get := func(p *peer, path string) string {
		return p.block(":method: GET", ":scheme: http", ":authority: h", ":path: "+path)
	}
	tests := []struct {
		name string
		run  func(c, s *peer) script
		want string
	}{
		{"two streams at once", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(settings, 0, 0, "") + frame(headers, endStream|endHeaders, 1, get(c, "/a")) + frame(headers, endStream|endHeaders, 3, get(c, "/b")),
				"s " + frame(settings, 0, 0, "\x00\x03\x00\x00\x00\x64") + frame(headers, endHeaders, 3, s.block(":status: 200")) + frame(data, 0, 3, "abc"),
				"s " + frame(headers, endHeaders|endStream, 1, s.block(":status: 404")),
				"s " + frame(data, endStream, 3, "de"),
			}
		}, "GET http://h/a HTTP/2 -> 404 (0 bytes), first byte 2.000ms, end 2.000ms req 1 stream 1\nGET http://h/b HTTP/2 -> 200 (5 bytes), first byte 1.000ms, end 3.000ms req 2 stream 3"},
		{"continuation, padding, trailers, 1xx", func(c, s *peer) script {
			b := get(c, "/a")
			r := s.block(":status: 200")
			return script{
				"c " + clientPreface + frame(headers, padded, 1, "\x02"+b[:3]+"\x00\x00") + frame(continuation, endHeaders, 1, b[3:]) + frame(data, padded|endStream, 1, "\x03body\x00\x00\x00"),
				"s " + frame(headers, endHeaders, 1, s.block(":status: 103")) + frame(headers, endHeaders|32, 1, "\x00\x00\x00\x00\x01"+r),
				"s " + frame(headers, endHeaders|endStream, 1, s.block("grpc-status: 0")),
			}
		}, "GET http://h/a HTTP/2 (4 bytes) -> 103 200 (0 bytes), first byte 1.000ms, end 2.000ms req 1 stream 1"},
		{"the server begins", func(c, s *peer) script {
			return script{
				"s " + frame(settings, 0, 0, "\x00\x03\x00\x00\x00\x64"),
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")),
				"s " + frame(headers, endHeaders|endStream, 1, s.block(":status: 204")),
			}
		}, "GET http://h/a HTTP/2 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1 stream 1"},
		{"cancelled", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")),
				"c " + frame(rst, 0, 1, "\x00\x00\x00\x08"),
			}
		}, "GET http://h/a HTTP/2 -> - req 1 stream 1 [reset by the client: CANCEL]"},
		{"go away", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")) + frame(headers, endStream|endHeaders, 3, get(c, "/b")),
				"s " + frame(goAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\x00"),
				"s " + frame(headers, endHeaders|endStream, 1, s.block(":status: 204")),
			}
		}, "GET http://h/b HTTP/2 -> - req 2 stream 3 [not processed, the server goes away: NO_ERROR]\nGET http://h/a HTTP/2 -> 204 (0 bytes), first byte 2.000ms, end 2.000ms req 1 stream 1"},
		{"push", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")),
				"s " + frame(push, endHeaders, 1, "\x00\x00\x00\x02"+get(s, "/style")) + frame(headers, endHeaders|endStream, 2, s.block(":status: 200")),
				"s " + frame(headers, endHeaders|endStream, 1, s.block(":status: 204")),
			}
		}, "GET http://h/style HTTP/2 pushed -> 200 (0 bytes), first byte 0.000ms, end 0.000ms req 2 stream 2\nGET http://h/a HTTP/2 -> 204 (0 bytes), first byte 2.000ms, end 2.000ms req 1 stream 1"},
		{"gap in DATA", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")),
				"s " + frame(headers, endHeaders, 1, s.block(":status: 200")) + frame(data, endStream, 1, "0123456789")[:12],
				"s#7",
				"c " + frame(headers, endStream|endHeaders, 3, get(c, "/b")),
				"s " + frame(headers, endHeaders|endStream, 3, s.block(":status: 204")),
			}
		}, "GET http://h/a HTTP/2 -> 200 (10 bytes), first byte 1.000ms, end 2.000ms req 1 stream 1, 7 bytes not captured\nGET http://h/b HTTP/2 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2 stream 3"},
		{"gap between frames", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, get(c, "/a")),
				"s#7",
			}
		}, "GET http://h/a HTTP/2 -> - req 1 stream 1 [bytes are missing in the capture]"},
		{"broken compression", func(c, s *peer) script {
			return script{
				"c " + clientPreface + frame(headers, endStream|endHeaders, 1, "\xff\xff\xff"),
				"s " + frame(headers, endHeaders|endStream, 1, s.block(":status: 204")),
			}
		}, "?  HTTP/2 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1 stream 1 [header compression cannot be followed]"},
		{"upgrade from HTTP/1", func(c, s *peer) script {
			return script{
				"c GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n",
				"s HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + frame(settings, 0, 0, "") + frame(headers, endHeaders|endStream, 1, s.block(":status: 204")),
				"c " + clientPreface + frame(settings, 0, 0, ""),
				"c " + frame(headers, endStream|endHeaders, 3, get(c, "/b")),
				"s " + frame(headers, endHeaders|endStream, 3, s.block(":status: 204")),
			}
		}, "GET http://h/a HTTP/1.1 -> 101 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1 stream 1\nGET http://h/b HTTP/2 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2 stream 3"},
	}
	for _, tt := range tests {
		for _, n := range []int{1 << 20, 1} {
			t.Run(fmt.Sprint(tt.name, " by ", n), func(t *testing.T) {
				s := tt.run(newPeer(), newPeer())
				if got := texts(run(httpview.Config{}, s, n)); got != strings.ReplaceAll(tt.want, "?  ", "? ") {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			})
		}
	}
}

// lengths are those of field sections, which are not ours to choose.
var lengths = regexp.MustCompile(`length \d+`)

func TestFrames(t *testing.T) {
	var lines []string
	c, s := newPeer(), newPeer()
	run(httpview.Config{Frame: func(f *httpview.Frame) { lines = append(lines, string(f.AppendText(nil))) }}, script{
		"c " + clientPreface + frame(settings, 0, 0, "\x00\x04\x00\x01\x00\x00") +
			frame(headers, endStream|endHeaders, 1, c.block(":method: GET", ":path: /?token=x", "authorization: Basic abc")),
		"s " + frame(settings, 1, 0, "") + frame(headers, endHeaders, 1, s.block(":status: 200", "x: \x1b")) + frame(data, endStream, 1, "abc") + frame(42, 0, 0, "?"),
	}, 1<<20)
	want := `client stream 0 SETTINGS length 6 INITIAL_WINDOW_SIZE=65536
client stream 1 HEADERS length 9 end :method: GET, :path: /?token=[redacted], authorization: Basic [redacted]
server stream 0 SETTINGS length 0 ack
server stream 1 HEADERS length 9 :status: 200, x: \x1b
server stream 1 DATA length 3 end
server stream 0 frame type 42 length 1`
	got := strings.Join(lines, "\n")
	got, want = lengths.ReplaceAllString(got, "length N"), lengths.ReplaceAllString(want, "length N")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzStream gives both directions any bytes, in pieces, with a gap.
func FuzzStream(f *testing.F) {
	c, s := newPeer(), newPeer()
	f.Add([]byte("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), uint8(3), uint8(0))
	f.Add([]byte("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), []byte("HTTP/1.1 101 OK\r\nUpgrade: h2c\r\n\r\n"+frame(headers, 5, 1, s.block(":status: 200"))), uint8(200), uint8(4))
	f.Add([]byte(clientPreface+frame(headers, 5, 1, c.block(":method: GET"))), []byte(frame(headers, 5, 1, s.block(":status: 200"))), uint8(9), uint8(9))
	f.Add([]byte("CONNECT h:1 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x01\x01"), []byte("HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03\x00\x01\x02"), uint8(30), uint8(1))
	f.Fuzz(func(t *testing.T, a, b []byte, piece, gap uint8) {
		emitted := map[*httpview.Exchange]bool{}
		v := httpview.New(httpview.Config{
			Exchange: func(x *httpview.Exchange) {
				if emitted[x] {
					t.Fatal("an exchange came twice")
				}
				emitted[x] = true
				for _, c := range append(x.AppendText(nil), x.AppendJSON(nil)...) {
					if c < ' ' || c > '~' {
						t.Fatalf("not printable: %q", x.AppendText(nil))
					}
				}
			},
			Unread: func(u *httpview.Unread) { u.AppendText(u.AppendJSON(nil)) },
			Frame:  func(f *httpview.Frame) { f.AppendText(nil) },
		})
		st := v.Stream(&flow.Conn{Guessed: gap&1 == 1, Client: netip.MustParseAddrPort("[::1]:1"), Server: netip.MustParseAddrPort("[::1]:2")})
		for at := int64(1); len(a)+len(b) > 0; at++ {
			n := min(int(piece)+1, len(a))
			st.Data(flow.FromClient, at, a[:n])
			a = a[n:]
			n = min(int(piece)+1, len(b))
			st.Data(flow.FromServer, at, b[:n])
			b = b[n:]
			if at == int64(gap) {
				st.Gap(flow.Dir(gap&1), at, int64(gap))
			}
		}
		st.End(0, 1, flow.EndFIN)
		st.End(1, 1, flow.EndReset)
	})
}
