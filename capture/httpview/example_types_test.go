package httpview_test

import (
	"fmt"
	"net/netip"

	"sonde/capture/flow"
	"sonde/capture/httpview"
	"sonde/capture/tlsplain"
)

func ExampleField() {
	fields := []httpview.Field{{Name: "Content-Type", Value: "text/html"}, {Name: "Server", Value: "nginx"}}
	fmt.Println(httpview.Get(fields, "server"))
	// Output: nginx
}

func ExampleFrame() {
	f := httpview.Frame{Dir: flow.FromServer, Type: httpview.FrameData, Flags: 1, Stream: 3, Length: 512}
	var kind httpview.FrameType = f.Type
	fmt.Println(kind, f.EndStream(), httpview.FrameType(99))
	fmt.Printf("%s\n", f.AppendText(nil))
	// Output:
	// DATA true frame type 99
	// server stream 3 DATA length 512 end
}

// Without a key, what TLS shows in clear is all there is to say.
func ExampleUnread() {
	u := httpview.Unread{
		Conn:   4,
		Client: netip.MustParseAddrPort("10.0.0.1:40000"), Server: netip.MustParseAddrPort("10.0.0.2:443"),
		TLS: &tlsplain.Info{ServerName: "example.test", Version: 0x0304},
	}
	fmt.Printf("%s\n", u.AppendText(nil))
	// Output: 10.0.0.1.40000 > 10.0.0.2.443: TLS 1.3 to example.test (0 bytes) -> (0 bytes), end 0.000ms, conn 4
}
