package guard_test

import (
	"errors"
	"fmt"
	"net/netip"

	"sonde/guard"
)

func ExamplePublic() {
	for _, addr := range []string{"93.184.215.14:443", "169.254.169.254:80", "[::ffff:10.0.0.1]:80"} {
		fmt.Println(guard.Public(netip.MustParseAddrPort(addr)))
	}
	// Output:
	// <nil>
	// address not allowed: link-local (RFC 3927)
	// address not allowed: IPv4-mapped 10.0.0.1: private use (RFC 1918)
}

// Which address was refused, and why.
func ExampleError() {
	err := guard.Public(netip.MustParseAddrPort("[64:ff9b::a00:1]:80"))
	var refused *guard.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Addr, refused.Reason)
	}
	// Output: [64:ff9b::a00:1]:80 NAT64 of 10.0.0.1: private use (RFC 1918)
}

// Public addresses and one network of one's own, for the web's ports only.
func ExampleRules() {
	rules := guard.Rules{
		Allow: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")},
		Ports: []uint16{80, 443},
	}
	for _, addr := range []string{"10.20.0.1:443", "10.21.0.1:443", "10.20.0.1:22"} {
		fmt.Println(rules.Check(netip.MustParseAddrPort(addr)) == nil)
	}
	// Output:
	// true
	// false
	// false
}
