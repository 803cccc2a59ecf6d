package httpview_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sonde/capture/httpview"
)

var secretive = script{
	`c GET /p?access_token=hunter2&q=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer hunter2\r\nCookie: a=hunter2; b=hunter2\r\n` +
		`Proxy-Authorization: hunter2\r\nX-Api-Key: hunter2\r\nReferer: http://u:hunter2@h/?code=hunter2\r\nAccept: */*\r\n\r\n`,
	`s HTTP/1.1 302 Found\r\nSet-Cookie: sid=hunter2; Path=/; HttpOnly\r\nLocation: https://h/?session_id=hunter2#x\r\nContent-Length: 0\r\n\r\n`,
}

func TestRedact(t *testing.T) {
	x := run(httpview.Config{}, secretive, 1<<20)[0]
	if all := string(x.AppendText(x.AppendJSON(nil))) + fmt.Sprintf("%+v", x); strings.Contains(all, "hunter2") {
		t.Errorf("a secret is shown: %s", all)
	}
	for name, want := range map[string]string{
		"authorization": "Bearer [redacted]", "cookie": "a=[redacted]; b=[redacted]", "accept": "*/*",
		"referer": "http://[redacted]@h/?code=[redacted]",
	} {
		if got := httpview.Get(x.RequestHeader, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := httpview.Get(x.ResponseHeader, "set-cookie"); got != "sid=[redacted]; Path=/; HttpOnly" {
		t.Errorf("set-cookie: %q", got)
	}
	if x.Target != "/p?access_token=[redacted]&q=1" {
		t.Errorf("target: %q", x.Target)
	}
	x = run(httpview.Config{Secrets: true}, secretive, 1<<20)[0]
	if got := httpview.Get(x.RequestHeader, "authorization"); got != "Bearer hunter2" {
		t.Errorf("asked for, but %q", got)
	}
}

func TestJSON(t *testing.T) {
	x := run(httpview.Config{}, script{
		"c GET /\"\x1b\xff HTTP/1.1\\r\\nHost: h\\r\\nA: 1\\r\\na: 2\\r\\n\\r\\n",
		`s HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`,
	}, 1<<20)[0]
	var got struct {
		Conn, Request, Status int
		URL                   string
		Informational         []int
		RequestHeader         [][2]string `json:"request_header"`
		Body                  int         `json:"response_body_bytes"`
		Start, End            int64
		TLS                   *struct{}
	}
	if err := json.Unmarshal(x.AppendJSON(nil), &got); err != nil {
		t.Fatalf("%v: %s", err, x.AppendJSON(nil))
	}
	if got.Conn != 7 || got.Request != 1 || got.Status != 200 || got.URL != "http://h/\"\x1b\ufffd" || got.Body != 1 ||
		len(got.RequestHeader) != 3 || got.RequestHeader[2][1] != "2" || got.Informational[0] != 103 ||
		got.End-got.Start != 1_000_000 || got.TLS != nil {
		t.Errorf("%+v", got)
	}
}

func ExampleExchange() {
	x := run(httpview.Config{}, script{
		`c POST /orders HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer abc\r\nContent-Length: 2\r\n\r\n{}`,
		`s HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n`,
	}, 1<<20)[0]
	fmt.Printf("%s\n", x.AppendText(nil))
	fmt.Println(httpview.Get(x.RequestHeader, "authorization"))
	// Output:
	// 10.0.0.1.40000 > 10.0.0.2.80: POST http://shop.example/orders HTTP/1.1 (2 bytes) -> 201 (0 bytes), first byte 1.000ms, end 1.000ms, conn 7 req 1
	// Bearer [redacted]
}
