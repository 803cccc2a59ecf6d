package inspect

// Verdict is how well connections were reused. Its JSON is part of what the
// command promises.
type Verdict struct {
	// Healthy says that no connection more than a few was avoidable.
	Healthy     bool    `json:"healthy"`
	Requests    int     `json:"requests"`
	Connections int     `json:"connections"`
	Peak        int     `json:"peak"`   // requests under way at once
	Causes      []Cause `json:"causes"` // the likeliest first; empty, not null, without any
	// Certain says that the verdict rests on all packets. Otherwise figures are at
	// least so high, or estimates (sockets alone, HTTP/2 inside of TLS), Healthy holds
	// as far as could be seen, and Limits say why.
	Certain bool     `json:"certain"`
	Limits  []string `json:"limits,omitempty"`
}

// Cause is why connections were opened that another one could have stood in for.
type Cause struct {
	Cause    Name   `json:"cause"`
	Side     Side   `json:"side"` // who can mend it
	Evidence string `json:"evidence"`
	Fix      string `json:"fix"`

	n int // how many connections
	// rank orders causes of about the same number: those that are certain first.
	rank int
}

// Name names a cause.
type Name string

// The causes.
const (
	BodiesNotClosed    Name = "bodies-not-closed"
	BodiesNotDrained   Name = "bodies-not-drained"
	IdlePoolTooSmall   Name = "idle-pool-too-small"
	ClientPerRequest   Name = "client-per-request"
	ClientAsksClose    Name = "client-asks-close"
	ClientIdleTimeout  Name = "client-idle-timeout"
	ClientGivesUp      Name = "client-gives-up"
	ServerAsksClose    Name = "server-asks-close"
	ServerRequestLimit Name = "server-request-limit"
	ServerIdleTimeout  Name = "server-idle-timeout"
	ServerResets       Name = "server-resets"
	HTTP10             Name = "http10"
	GoAway             Name = "go-away"
	Retries            Name = "retries"
	NamesApart         Name = "names-apart"
	DNSChanges         Name = "dns-changes"
	ProxyBetween       Name = "proxy-between"
)

// fixes say what helps, by cause.
var fixes = map[Name]string{
	BodiesNotClosed: "Close every response body, on every path: in Go, defer resp.Body.Close() behind the check of the error, " +
		"and read the body to its end before, io.Copy(io.Discard, resp.Body).",
	BodiesNotDrained: "Read response bodies to their end before closing them: io.Copy(io.Discard, resp.Body), bounded where the body may be long. " +
		"A json.Decoder stops before the end.",
	IdlePoolTooSmall: "Let the client keep as many idle connections for a host as it has requests under way at once: " +
		"in net/http set Transport.MaxIdleConnsPerHost (2 unless set) to that peak, and MaxIdleConns (100 in DefaultTransport) to the sum over hosts.",
	ClientPerRequest: "Make one client, or http.Transport, when the program starts and share it. A tool that runs once for each request " +
		"can often take many URLs in one run.",
	ClientAsksClose: "Leave out Connection: close: in net/http no Request.Close and no Transport.DisableKeepAlives; " +
		"in a reverse proxy, HTTP/1.1 and an empty Connection field to the upstream.",
	ClientIdleTimeout: "Raise the client's idle timeout above the pause between requests (net/http: Transport.IdleConnTimeout), " +
		"and keep it below that of the server.",
	ClientGivesUp: "A request that is cancelled or times out costs an HTTP/1 connection. Raise the timeout, make the server faster, or speak HTTP/2, " +
		"where only the stream ends.",
	ServerAsksClose: "Let the server keep connections: keep-alive on (nginx: keepalive_timeout above 0), no Connection: close from the application " +
		"or from what stands before it, and a length or chunked coding on every response.",
	ServerRequestLimit: "Raise the number of requests that the server takes on a connection (nginx: keepalive_requests; Apache: MaxKeepAliveRequests).",
	ServerIdleTimeout: "Raise the server's idle timeout above the pause between requests (Go: Server.IdleTimeout; nginx: keepalive_timeout), " +
		"and let the client give up idle connections a little earlier than the server, so that no request meets one that is closing.",
	ServerResets: "Look into the server and what stands before it (load balancer, NAT, firewall) for why connections are reset: limits, crashes, " +
		"restarts, forgotten idle connections. Let the client give up idle ones earlier.",
	HTTP10: "Speak HTTP/1.1, or send Connection: keep-alive with HTTP/1.0 (ab -k; nginx: proxy_http_version 1.1 and an empty Connection field; " +
		"Python's http.server: protocol_version = \"HTTP/1.1\").",
	GoAway:  "The server limits the age or the requests of HTTP/2 connections, or restarts. Raise the limit if connections end too often.",
	Retries: "Find out why requests fail (see the other causes); wait between retries, longer each time.",
	NamesApart: "Ask for one name where several lead to the same server: HTTP/1 connections are kept for each name; " +
		"HTTP/2 clients may share one if the certificate has all the names.",
	DNSChanges: "Keep connections although the answer of DNS changes: share one client, and pool by name, not by address.",
	ProxyBetween: "Look at the proxy's keep-alive settings, toward the client and toward the server: each leg has connections of its own, " +
		"and it may be the proxy that ends them.",
}
