package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sonde"
	adapter "sonde/examples/websocket"
	"sonde/internal/proxy/proxytest"
)

// echo answers each message with itself, until the other side closes.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func Example() {
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, s.URL, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: adapter.Transport{Client: client}},
	})
	if err != nil {
		panic(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		panic(err)
	}
	_, data, err := conn.Read(ctx)
	fmt.Println(string(data), err)
	fmt.Println(conn.Close(websocket.StatusNormalClosure, "bye"))
	// Output:
	// hello <nil>
	// <nil>
}

// TestWebSocket: small and large messages, pings, deadlines and the end, directly
// and through proxies, over plain connections and TLS.
func TestWebSocket(t *testing.T) {
	p := &proxytest.Proxy{}
	addr, stop, err := p.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, by := range []string{"", "http://" + addr, "socks5h://" + addr} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprint(by != "" && by[:4] == "http", by != "", secure), func(t *testing.T) { talk(t, by, secure) })
		}
	}
}

func talk(t *testing.T, by string, secure bool) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	cfg := sonde.Config{}
	if secure {
		s.StartTLS()
		cfg.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig
	} else {
		s.Start()
	}
	defer s.Close()
	if by != "" {
		p, err := sonde.NewProxy(by, sonde.ProxyConfig{})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Proxy = sonde.FixedProxy(p)
	}
	client, err := sonde.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	dialCtx, cancel := context.WithTimeout(context.Background(), time.Minute)
	conn, _, err := websocket.Dial(dialCtx, s.URL, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: adapter.Transport{Client: client}},
	})
	cancel() // the connection has nothing to do with it any more
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	ctx := t.Context()
	for _, size := range []int{0, 1, 1000, 1 << 20} {
		message := bytes.Repeat([]byte("x"), size)
		if err := conn.Write(ctx, websocket.MessageBinary, message); err != nil {
			t.Fatal(err)
		}
		if _, data, err := conn.Read(ctx); err != nil || !bytes.Equal(data, message) {
			t.Fatalf("%d bytes came back of %d: %v", len(data), size, err)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// TestRefused: what the server says instead of 101 reaches the library.
func TestRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, resp, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: adapter.Transport{Client: client}},
	})
	if err == nil || resp == nil || resp.StatusCode != 404 {
		t.Errorf("%v, %v", resp, err)
	}
}
