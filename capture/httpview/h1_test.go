package httpview_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sonde/capture/flow"
	"sonde/capture/httpview"
)

// script is a connection in words: "c text" is sent by the client, "s text" by
// the server, "c#5" is a gap, "c$" the end of a direction, "c!" a reset.
type script []string

var escapes = strings.NewReplacer(`\r`, "\r", `\n`, "\n")

// run plays a script, each text in pieces of n bytes, and returns the exchanges.
func run(c httpview.Config, s script, n int) (all []*httpview.Exchange) {
	c.Exchange = func(x *httpview.Exchange) { all = append(all, x) }
	v := httpview.New(c)
	guessed := s[0] == "guessed"
	if guessed {
		s = s[1:]
	}
	st := v.Stream(&flow.Conn{
		N: 7, Guessed: guessed, Client: netip.MustParseAddrPort("10.0.0.1:40000"), Server: netip.MustParseAddrPort("10.0.0.2:80"),
	})
	ended := [2]bool{}
	end := func(d flow.Dir, at int64, why flow.End) {
		if !ended[d] {
			ended[d] = true
			st.End(d, at, why)
		}
	}
	at := int64(0)
	for _, line := range s {
		at += 1_000_000
		d := flow.FromClient
		if line[0] == 's' {
			d = flow.FromServer
		}
		switch line[1] {
		case '#':
			var gap int64
			fmt.Sscan(line[2:], &gap)
			st.Gap(d, at, gap)
		case '$':
			end(d, at, flow.EndFIN)
		case '!':
			end(0, at, flow.EndReset)
			end(1, at, flow.EndReset)
		default:
			for b := []byte(escapes.Replace(line[2:])); len(b) > 0; {
				k := min(n, len(b))
				piece := append([]byte(nil), b[:k]...)
				st.Data(d, at, piece)
				clear(piece)
				b = b[k:]
			}
		}
	}
	end(0, at, flow.EndCapture)
	end(1, at, flow.EndCapture)
	return all
}

func texts(all []*httpview.Exchange) string {
	var lines []string
	for _, x := range all {
		_, line, _ := strings.Cut(string(x.AppendText(nil)), ": ")
		lines = append(lines, strings.ReplaceAll(line, ", conn 7", ""))
	}
	return strings.Join(lines, "\n")
}

func TestHTTP1(t *testing.T) {
	tests := []struct {
		name string
		run  script
		want string
	}{
		{"simple", script{`c GET /a HTTP/1.1\r\nHost: h\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc`},
			"GET http://h/a HTTP/1.1 -> 200 (3 bytes), first byte 1.000ms, end 1.000ms req 1"},
		{"two on one connection", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`, `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n`},
			"GET /a HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1\nGET /b HTTP/1.1 -> 304 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"pipelined", script{`c GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`, `s HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n`},
			"GET /a HTTP/1.1 -> 200 (1 byte), first byte 1.000ms, end 1.000ms req 1\nHEAD /b HTTP/1.1 -> 200 (0 bytes), first byte 2.000ms, end 2.000ms req 2"},
		{"chunked both ways", script{`c POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n`,
			`s HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nabcd\r\n`, `s a\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n`},
			"POST /a HTTP/1.1 (3 bytes) -> 200 (14 bytes), first byte 1.000ms, end 2.000ms req 1"},
		{"until close", script{`c GET /a HTTP/1.0\r\n\r\n`, `s HTTP/1.0 200 OK\r\n\r\nabc`, `s def`, `s$`},
			"GET /a HTTP/1.0 -> 200 (6 bytes), first byte 1.000ms, end 3.000ms req 1"},
		{"until reset", script{`c GET /a HTTP/1.0\r\n\r\n`, `s HTTP/1.0 200 OK\r\n\r\nabc`, `s!`},
			"GET /a HTTP/1.0 -> 200 (3 bytes), first byte 1.000ms, end 2.000ms req 1 [response: reset]"},
		{"informational", script{`c PUT /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`, `s HTTP/1.1 100 Continue\r\n\r\n`, `c hi`, `s HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n`},
			"PUT /a HTTP/1.1 (2 bytes) -> 100 201 (0 bytes), first byte 3.000ms, end 3.000ms req 1"},
		{"no response", script{`c GET /a HTTP/1.1\r\n\r\n`, `s$`},
			"GET /a HTTP/1.1 -> - req 1 [no response, closed]"},
		{"the request that finds the connection dead", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`, `s$`, `c GET /b HTTP/1.1\r\n\r\n`, `c!`},
			"GET /a HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1\nGET /b HTTP/1.1 -> - req 2 [no response, reset]"},
		{"the client half closes", script{`c GET /a HTTP/1.1\r\n\r\n`, `c$`, `s HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`},
			"GET /a HTTP/1.1 -> 200 (1 byte), first byte 2.000ms, end 2.000ms req 1"},
		{"early answer", script{`c POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc`, `s HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n`, `s$`, `c$`},
			"POST /a HTTP/1.1 (3 bytes) -> 413 (0 bytes), first byte 1.000ms, end 1.000ms req 1 [request: closed within the message]"},
		{"cut short", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc`, `s$`},
			"GET /a HTTP/1.1 -> 200 (3 bytes), first byte 1.000ms, end 1.000ms req 1 [response: closed within the message]"},
		{"gap in a body", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc`, `s#7`, `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /a HTTP/1.1 -> 200 (10 bytes), first byte 1.000ms, end 2.000ms req 1, 7 bytes not captured\nGET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"a response lost in a gap", script{`c GET /a HTTP/1.1\r\n\r\n`, `s#100`, `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /a HTTP/1.1 -> - req 1 [response not captured]\nGET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"a request lost in a gap", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`, `c#100`, `s HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`, `c GET /c HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /a HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1\n? HTTP/1.1 -> 200 (1 byte) req 2 [request not captured]\nGET /c HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 3"},
		{"joined in the middle", script{"guessed", "s \x00\x01\x02\x03", `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1"},
		{"joined, with the ends mistaken", script{"guessed", `s GET /b HTTP/1.1\r\n\r\n`, `c HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1"},
		{"joined in a response", script{`s HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`, `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"? HTTP/1.1 -> 200 (1 byte) req 1 [request not captured]\nGET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"websocket", script{`c GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n`, `s HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nxxGET / HTTP/1.1\r\n\r\n`, `c GET / HTTP/1.1\r\n\r\n`},
			"GET http://h/ws HTTP/1.1 -> 101 (0 bytes), first byte 1.000ms, end 1.000ms req 1"},
		{"upgrade refused", script{`c GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`, `c GET /b HTTP/1.1\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"GET /a HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1\nGET /b HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"through a proxy", script{`c CONNECT h:80 HTTP/1.1\r\n\r\n`, `s HTTP/1.1 200 OK\r\n\r\n`, `c GET /in HTTP/1.1\r\nHost: h\r\n\r\n`, `s HTTP/1.1 204 No Content\r\n\r\n`},
			"CONNECT h:80 HTTP/1.1 -> 200 (0 bytes), first byte 1.000ms, end 1.000ms req 1\nGET http://h/in HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 2"},
		{"conflicting lengths", script{`c GET /a HTTP/1.1\r\n\r\n`, `s HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx`},
			"GET /a HTTP/1.1 -> 200 (1 byte), first byte 1.000ms, end 1.000ms req 1 [conflicting Content-Length]"},
		{"bare line feeds", script{`c GET /a HTTP/1.1\nHost: h\n\n`, `s HTTP/1.1 204 No Content\n\n`},
			"GET http://h/a HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1"},
		{"not HTTP", script{`c EHLO mail.example\r\n`, `s 250 hello\r\n`}, ""},
		{"not HTTP either", script{`s SSH-2.0-x\r\n`, `c SSH-2.0-y\r\n`}, ""},
		{"escaped", script{"c GET /\x1b[2J HTTP/1.1\\r\\n\\r\\n", `s HTTP/1.1 204 No Content\r\n\r\n`},
			`GET /\x1b[2J HTTP/1.1 -> 204 (0 bytes), first byte 1.000ms, end 1.000ms req 1`},
	}
	for _, tt := range tests {
		for _, n := range []int{1 << 20, 7, 1} {
			t.Run(fmt.Sprint(tt.name, " by ", n), func(t *testing.T) {
				if got := texts(run(httpview.Config{}, tt.run, n)); got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			})
		}
	}
}
