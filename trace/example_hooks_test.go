package trace_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"sonde"
	"sonde/trace"
)

// The hooks of net/http/httptrace have its argument types, too.
func ExampleHooks_httptrace() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	ctx := trace.With(context.Background(), &trace.Hooks{
		DNSStart:     func(i trace.DNSStartInfo) { fmt.Println("asking for", i.Host) },
		DNSDone:      func(i trace.DNSDoneInfo) { fmt.Println("addresses:", len(i.Addrs) > 0, i.Err) },
		GotConn:      func(i trace.GotConnInfo) { fmt.Println("reused:", i.Reused) },
		WroteRequest: func(i trace.WroteRequestInfo) { fmt.Println("written:", i.Err) },
	})
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()
	client.Get(ctx, "http://localhost:"+port)
	// Output:
	// asking for localhost
	// addresses: true <nil>
	// reused: false
	// written: <nil>
}
