package compat

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// echo is a server of WebSocket that sends back what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := new(gorilla.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func TestCoderWebSocket(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		s := serve(t, echo)
		ctx := context.Background()
		conn, resp, err := websocket.Dial(ctx, s.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: rt}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		got := []any{resp.StatusCode}
		for _, m := range []string{"one", "two", strings.Repeat("long", 5000)} {
			if err := conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
				t.Fatal(err)
			}
			kind, back, err := conn.Read(ctx)
			got = append(got, kind, string(back), err)
		}
		return append(got, conn.Close(websocket.StatusNormalClosure, "bye") == nil)
	})
}

// TestReverseProxy: requests, uploads, trailers and WebSocket through a ReverseProxy.
func TestReverseProxy(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		origin := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "" {
				echo(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("X-Seen", r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Forwarded-Proto"))
			w.WriteHeader(http.StatusAccepted)
			http.NewResponseController(w).Flush()
			w.Write(body)
			w.Header().Set("X-Sum", "s")
		})
		to, _ := url.Parse(origin.URL)
		proxy := serve(t, (&httputil.ReverseProxy{Transport: rt, Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		}}).ServeHTTP)
		var got []any
		for _, body := range []io.Reader{nil, strings.NewReader("small"), bytes.NewReader(make([]byte, 1<<20)),
			io.MultiReader(strings.NewReader("of unknown "), strings.NewReader("length"))} {
			resp, err := http.Post(proxy.URL+"/a%2Fb?q=1", "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			back, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			got = append(got, resp.Status, resp.Header.Get("X-Seen"), len(back), resp.Trailer.Get("X-Sum"), err)
		}
		conn, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(proxy.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.WriteMessage(gorilla.TextMessage, []byte("through"))
		_, back, err := conn.ReadMessage()
		return append(got, string(back), err)
	})
}
