package resolver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"sonde"
)

// DoHConfig says how a DoH works.
type DoHConfig struct {
	// Bootstrap is the server's addresses: looking its name up by itself would go
	// round in a circle. It may be left out where the URL has an address.
	Bootstrap []netip.Addr

	// Post sends questions with POST, which no cache on the way keeps, instead of
	// GET.
	Post bool

	// Change changes the settings of the client that asks, such as TLS; its
	// Resolver is the DoH's own. Nil: nothing is changed.
	Change func(*sonde.Config)
}

// DoH is a resolver by DNS over HTTPS (RFC 8484): it asks one server, by a client
// of its own, for A and AAAA records, and says how long they hold. It keeps nothing:
// NewCache does. Names are asked as they are, without search domains; localhost is
// never asked (RFC 6761). It is safe for concurrent use.
type DoH struct {
	client *sonde.Client
	url    string
	post   bool
}

// mostMessage is the largest DNS message (RFC 8484 §6).
const mostMessage = 65535

const dnsMessage = "application/dns-message"

// NewDoH makes a DoH of the URL of a server, such as
// "https://dns.example/dns-query"; a template's "{?dns}" at its end is left out.
func NewDoH(rawURL string, cfg DoHConfig) (*DoH, error) {
	rawURL = strings.TrimSuffix(rawURL, "{?dns}")
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(u.Path, "{}") {
		// RFC 8484 §5: https, and nothing else.
		return nil, errors.New("resolver: the URL of a DoH server is like https://host/dns-query")
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && len(cfg.Bootstrap) == 0 {
		return nil, fmt.Errorf("resolver: DoHConfig.Bootstrap has no address of %s", u.Hostname())
	}
	settings := sonde.Config{
		// RFC 8484 §8.2: nothing that tells clients apart.
		UserAgent:  "-",
		NoDecoding: true,
		Limits:     sonde.Limits{Body: mostMessage},
		Redirects:  sonde.Redirects{Max: -1},
		Timeouts:   sonde.Timeouts{Call: 10 * time.Second},
		HTTPSOnly:  true,
	}
	if cfg.Change != nil {
		cfg.Change(&settings)
	}
	settings.Resolver = fixed(cfg.Bootstrap)
	client, err := sonde.New(settings)
	if err != nil {
		return nil, fmt.Errorf("resolver: the client of a DoH: %w", err)
	}
	return &DoH{client: client, url: rawURL, post: cfg.Post}, nil
}

// Close closes the client that asks, and its connections.
func (d *DoH) Close() error { return d.client.Close() }

// fixed is a resolver that always gives the same addresses.
type fixed []netip.Addr

// LookupNetIP gives those of the family.
func (f fixed) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range f {
		if a = a.Unmap(); a.Is4() == (network == "ip4") {
			out = append(out, a)
		}
	}
	if out == nil {
		return nil, &net.DNSError{Err: "no bootstrap address of that family", Name: host, IsNotFound: true}
	}
	return out, nil
}

// LookupNetIP returns the addresses of host, of one family: network is "ip4" or
// "ip6". Every error is a *net.DNSError; IsNotFound says that there is no such name,
// or no such address of it.
func (d *DoH) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	a, err := d.LookupTTL(ctx, network, host)
	return a.Addrs, err
}

// LookupTTL is LookupNetIP with how long the answer holds.
func (d *DoH) LookupTTL(ctx context.Context, network, host string) (Answer, error) {
	var t dnsmessage.Type
	switch network {
	case "ip4":
		t = dnsmessage.TypeA
	case "ip6":
		t = dnsmessage.TypeAAAA
	default:
		return Answer{}, d.failed(host, net.UnknownNetworkError(network))
	}
	if localhost(host) {
		return Answer{Addrs: slices.Clone(loopback[t])}, nil
	}
	q, query, err := question(host, t)
	if err != nil {
		return Answer{}, d.failed(host, err)
	}
	resp, err := d.client.Do(ctx, d.request(query))
	if d.post && broke(err) {
		// RFC 9110 §9.2.2: a question changes nothing, and may be sent again where a
		// kept connection was at its end.
		resp, err = d.client.Do(ctx, d.request(query))
	}
	if err != nil {
		return Answer{}, d.failed(host, err)
	}
	if m, err := resp.Header.MediaType("Content-Type"); err != nil || m.Type != dnsMessage {
		return Answer{}, d.failed(host, fmt.Errorf("the answer is no %s", dnsMessage))
	}
	r, err := parse(resp.Body, q)
	if err != nil {
		return Answer{}, d.failed(host, err)
	}
	// RFC 8484 §5.1: what the answer was kept on the way does not count again.
	if age, err := resp.Header.Int("Age"); err == nil && age > 0 {
		r.ttl -= time.Duration(min(age, 1<<31)) * time.Second
	}
	answer := Answer{Addrs: r.addrs, TTL: max(r.ttl, 0)}
	switch {
	case r.code != dnsmessage.RCodeSuccess && r.code != dnsmessage.RCodeNameError:
		err := d.failed(host, fmt.Errorf("the server answers %s", strings.TrimPrefix(r.code.String(), "RCode")))
		err.IsTemporary = r.code == dnsmessage.RCodeServerFailure
		return Answer{}, err
	case len(r.addrs) == 0:
		return answer, &net.DNSError{Err: "no such host", Name: host, Server: d.url, IsNotFound: true}
	}
	return answer, nil
}

// broke reports whether the connection has ended before an answer came.
func broke(err error) bool {
	e, ok := errors.AsType[*sonde.Error](err)
	return ok && (e.Op == sonde.OpWrite || e.Op == sonde.OpFirstByte) &&
		!e.Timeout() && !errors.Is(err, context.Canceled) && !errors.Is(err, sonde.ErrClosed)
}

// failed is err as package net says it.
func (d *DoH) failed(host string, err error) *net.DNSError {
	e := &net.DNSError{Err: err.Error(), UnwrapErr: err, Name: host, Server: d.url}
	var timeout interface{ Timeout() bool }
	e.IsTimeout = errors.As(err, &timeout) && timeout.Timeout()
	e.IsTemporary = e.IsTimeout
	return e
}

// request is what carries a question.
func (d *DoH) request(query []byte) *sonde.Request {
	accept := sonde.WithHeader("Accept", dnsMessage)
	if d.post {
		return sonde.NewRequest(sonde.POST, d.url, accept, sonde.WithBody(sonde.Bytes(query).WithMediaType(dnsMessage)))
	}
	return sonde.NewRequest(sonde.GET, d.url, accept, sonde.WithQuery("dns", base64.RawURLEncoding.EncodeToString(query)))
}

var loopback = map[dnsmessage.Type][]netip.Addr{
	dnsmessage.TypeA:    {netip.AddrFrom4([4]byte{127, 0, 0, 1})},
	dnsmessage.TypeAAAA: {netip.IPv6Loopback()},
}

// localhost reports whether host is of this machine (RFC 6761 §6.3).
func localhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
