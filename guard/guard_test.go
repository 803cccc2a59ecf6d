package guard

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{ // want "" is public
		{"1.1.1.1", ""},
		{"8.8.8.8", ""},
		{"9.255.255.255", ""},
		{"11.0.0.0", ""},
		{"100.63.255.255", ""},
		{"100.128.0.0", ""},
		{"126.255.255.255", ""},
		{"128.0.0.0", ""},
		{"169.253.255.255", ""},
		{"172.15.255.255", ""},
		{"172.32.0.0", ""},
		{"192.0.1.0", ""},
		{"192.31.196.1", ""}, // AS112, anybody's
		{"192.167.255.255", ""},
		{"192.169.0.0", ""},
		{"198.17.255.255", ""},
		{"198.20.0.0", ""},
		{"223.255.255.255", ""},
		{"2606:4700:4700::1111", ""},
		{"2001:4860:4860::8888", ""},
		{"2001:200::1", ""},
		{"2000::1", ""},
		{"2620:4f:8000::1", ""},
		{"::ffff:8.8.8.8", ""},
		{"64:ff9b::8.8.8.8", ""},

		{"0.0.0.0", "this network"},
		{"0.1.2.3", "this network"},
		{"10.0.0.0", "private"},
		{"10.255.255.255", "private"},
		{"100.64.0.0", "carriers"},
		{"100.127.255.255", "carriers"},
		{"127.0.0.1", "loopback"},
		{"127.255.255.255", "loopback"},
		{"169.254.169.254", "link-local"},
		{"172.16.0.0", "private"},
		{"172.31.255.255", "private"},
		{"192.0.0.8", "protocol assignments"},
		{"192.0.0.170", "protocol assignments"},
		{"192.0.2.1", "documentation"},
		{"192.88.99.1", "6to4"},
		{"192.168.0.0", "private"},
		{"192.168.255.255", "private"},
		{"198.18.0.0", "benchmarking"},
		{"198.19.255.255", "benchmarking"},
		{"198.51.100.9", "documentation"},
		{"203.0.113.9", "documentation"},
		{"224.0.0.1", "multicast"},
		{"239.255.255.255", "multicast"},
		{"240.0.0.1", "reserved"},
		{"255.255.255.254", "reserved"},
		{"255.255.255.255", "broadcast"},
		{"::", "unspecified"},
		{"::1", "loopback"},
		{"::7f00:1", "IPv4-compatible"},
		{"::8.8.8.8", "IPv4-compatible"},
		{"::ffff:127.0.0.1", "IPv4-mapped 127.0.0.1: loopback"},
		{"::ffff:10.1.2.3", "IPv4-mapped 10.1.2.3: private"},
		{"::ffff:169.254.169.254", "link-local"},
		{"::ffff:0:0", "this network"},
		{"64:ff9b::127.0.0.1", "NAT64 of 127.0.0.1: loopback"},
		{"64:ff9b::a9fe:a9fe", "NAT64 of 169.254.169.254: link-local"},
		{"64:ff9b::10.0.0.1", "private"},
		{"64:ff9b:0:0:0:1:808:808", "not allocated"},
		{"64:ff9b:1::8.8.8.8", "local use"},
		{"64:ff9b:1:ffff::1", "local use"},
		{"100::1", "discard"},
		{"100:0:0:1::1", "dummy"},
		{"2001::1", "Teredo"},
		{"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"},
		{"2001:1::1", "protocol assignments"},
		{"2001:2::1", "benchmarking"},
		{"2001:10::1", "ORCHID"},
		{"2001:20::1", "protocol assignments"},
		{"2001:1ff:ffff::1", "protocol assignments"},
		{"2001:db8::1", "documentation"},
		{"2002:7f00:1::1", "6to4"},
		{"2002:808:808::1", "6to4"},
		{"3fff::1", "documentation"},
		{"3fff:fff:ffff::1", "documentation"},
		{"3fff:1000::1", ""},
		{"5f00::1", "segment routing"},
		{"4000::1", "not allocated"},
		{"fc00::1", "unique local"},
		{"fdff::1", "unique local"},
		{"fe80::1", "link-local"},
		{"fe80::1%eth0", "link-local"},
		{"::1%lo", "loopback"},
		{"2606:4700::1%eth0", ""},
		{"::ffff:127.0.0.1%1", "loopback"},
		{"febf::1", "link-local"},
		{"fec0::1", "site-local"},
		{"ff02::1", "multicast"},
	} {
		addr := netip.AddrPortFrom(netip.MustParseAddr(tt.addr), 80)
		err := Public(addr)
		var e *Error
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s is refused: %v", tt.addr, err)
		case tt.want != "" && (!errors.As(err, &e) || e.Addr != addr || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.addr, err, tt.want)
		}
		if zero := (Rules{}).Check(addr); (zero == nil) != (err == nil) {
			t.Errorf("%s: no rules say %v", tt.addr, zero)
		}
	}
	if Public(netip.AddrPort{}) == nil {
		t.Error("no address at all is public")
	}
}

// TestBlocksAgree: what package net/netip knows to be special is refused, for
// addresses at the edges of all blocks.
func TestBlocksAgree(t *testing.T) {
	for _, block := range append(append([]block{}, blocks4...), blocks6...) {
		first := block.prefix.Masked().Addr()
		for _, a := range []netip.Addr{first, first.Next(), first.Prev(), netip.AddrFrom16(first.As16())} {
			special := a.IsValid() && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified())
			if special && notPublic(a) == "" {
				t.Errorf("%v is public", a)
			}
		}
		if first.IsValid() && notPublic(first) == "" {
			t.Errorf("%v is public", first)
		}
	}
}

func TestRules(t *testing.T) {
	r := Rules{
		Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("168.63.129.16/32")},
		Ports: []uint16{80, 443},
	}
	for addr, want := range map[string]string{
		"10.1.0.1:80":                 "",
		"[::ffff:10.1.0.1]:80":        "",
		"[fd00::1]:443":               "",
		"8.8.8.8:443":                 "",
		"8.8.8.8:22":                  "port",
		"10.1.2.3:80":                 "denied",
		"[::ffff:10.1.2.3]:80":        "denied",
		"168.63.129.16:80":            "denied",
		"[64:ff9b::168.63.129.16]:80": "denied",
		"10.2.0.1:80":                 "private",
		"127.0.0.1:80":                "loopback",
		"[64:ff9b::10.1.0.1]:80":      "private", // allowed is the address, not a translator's
	} {
		err := r.Check(netip.MustParseAddrPort(addr))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
	}
}

func FuzzPublic(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add(netip.MustParseAddr("::ffff:10.0.0.1").AsSlice())
	f.Add(netip.MustParseAddr("64:ff9b::1").AsSlice())
	f.Fuzz(func(t *testing.T, bytes []byte) {
		a, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return
		}
		public := Public(netip.AddrPortFrom(a, 1)) == nil
		if public && !a.IsGlobalUnicast() && !a.Is4In6() {
			t.Errorf("%v is public", a)
		}
		if u := a.Unmap(); public != (Public(netip.AddrPortFrom(u, 1)) == nil) {
			t.Errorf("%v and %v differ", a, u)
		}
		if public != (Public(netip.AddrPortFrom(a.WithZone("x"), 1)) == nil) {
			t.Errorf("%v with a zone differs", a)
		}
	})
}
