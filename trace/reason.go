package trace

// Reason says why a connection was opened or why one ended. Every new
// connection and every end of one has exactly one. The zero Reason is none.
type Reason uint8

// Why a new connection was opened although others might have served.
const (
	NoReason Reason = iota

	FirstToRoute       // no connection to this route existed
	AllBusy            // every connection to this route carried as many exchanges as it can
	IdleClosedByServer // the last idle one was closed by the server
	IdleExpired        // the last idle one had been idle for too long
	IdleAged           // the last idle one had reached its maximum age
	IdleEvicted        // the last idle one had been evicted to make room for other origins
	IdleClosedByUser   // the last idle one was closed by CloseIdle
	PreviousNotReused  // the last one ended with its exchange; its own end says why
	OneShotAsked       // the request asked for a connection of its own
	Warming            // Pool.Warm asked for it
	RetryOfDead        // the connection that was tried before turned out to be dead
	UserAsked          // the caller dials for itself: CONNECT, Upgrade

	lastOpenReason
)

// Why a connection ended.
const (
	ServerClosed      Reason = iota + 64 // the server closed it while it was idle
	ServerClosedInUse                    // the server closed it in the middle of an exchange
	ServerAsked                          // the response said Connection: close
	ServerHTTP10                         // the response was HTTP/1.0 without keep-alive
	ServerHint                           // the time of the server's Keep-Alive field was nearly over
	UnsolicitedBytes                     // bytes came while no request was under way
	BodyUntilClose                       // the response body ended with the connection
	BodyNotDrained                       // the rest of a response body was left unread, too much to drain
	BodyTooLarge                         // the response body went past the limit
	EarlyResponse                        // the response was complete before the request was
	RequestBodyFailed                    // the request's body gave an error or another length than declared
	RequestBodyUnsent                    // a final response came instead of 100 Continue
	Canceled                             // the context ended, or the client was closed, during an exchange
	TimedOut                             // a timeout ended an exchange
	ProtocolError                        // the response broke the rules of HTTP
	ReadFailed                           // reading failed
	WriteFailed                          // writing failed
	AmbiguousFraming                     // Transfer-Encoding beside Content-Length and the like: RFC 9112 §6.3
	IdleTimeout                          // it was idle for longer than allowed
	MaxAge                               // it was older than allowed
	EvictedTotal                         // the limit on idle connections in total was reached
	EvictedOrigin                        // the limit on idle connections of the origin was reached
	ClosedByUser                         // CloseIdle or Close
	OneShot                              // the request asked for a connection of its own
	Upgraded                             // it was given to the caller after 101 or CONNECT
	Dropped                              // an Exchange was garbage collected with its body unread
	CallbackPanicked                     // a callback of the caller panicked in the middle of an exchange
	DialNotWanted                        // dialed, but nobody waited for it any more and no room to keep it
	GoAway                               // HTTP/2 or HTTP/3: the server is going away
	TLSAlert                             // the peer ended TLS while the connection was idle
	HedgeLost                            // another attempt of the same call was answered first

	lastEndReason
)

var reasonText = [lastEndReason]string{
	NoReason:           "none",
	FirstToRoute:       "first to this route",
	AllBusy:            "all connections busy",
	IdleClosedByServer: "the last idle one was closed by the server",
	IdleExpired:        "the last idle one was idle for too long",
	IdleAged:           "the last idle one was too old",
	IdleEvicted:        "the last idle one was evicted",
	IdleClosedByUser:   "the last idle one was closed by the user",
	PreviousNotReused:  "the previous one could not be reused",
	OneShotAsked:       "asked for a connection of its own",
	Warming:            "warming the pool",
	RetryOfDead:        "retry after a dead connection",
	UserAsked:          "the caller takes the connection",

	ServerClosed:      "server closed it while idle",
	ServerClosedInUse: "server closed it during an exchange",
	ServerAsked:       "server asked: Connection: close",
	ServerHTTP10:      "HTTP/1.0 server without keep-alive",
	ServerHint:        "server's Keep-Alive time was over",
	UnsolicitedBytes:  "unsolicited bytes while idle",
	BodyUntilClose:    "response body ended with the connection",
	BodyNotDrained:    "previous body not drained",
	BodyTooLarge:      "response body over the limit",
	EarlyResponse:     "response complete before the request",
	RequestBodyFailed: "request body failed",
	RequestBodyUnsent: "final response instead of 100 Continue",
	Canceled:          "canceled",
	TimedOut:          "timed out",
	ProtocolError:     "protocol error",
	ReadFailed:        "read failed",
	WriteFailed:       "write failed",
	AmbiguousFraming:  "ambiguous framing of the body",
	IdleTimeout:       "idle timeout",
	MaxAge:            "maximum age",
	EvictedTotal:      "evicted: limit of idle connections in total",
	EvictedOrigin:     "evicted: limit of idle connections of the origin",
	ClosedByUser:      "closed by the user",
	OneShot:           "a connection of its own",
	Upgraded:          "given to the caller",
	Dropped:           "exchange dropped with its body unread",
	CallbackPanicked:  "callback panicked",
	DialNotWanted:     "dialed but not wanted any more",
	GoAway:            "server is going away",
	TLSAlert:          "TLS ended by the peer",
	HedgeLost:         "another attempt was answered first",
}

// String is a short lower-case text such as "all connections busy".
func (r Reason) String() string {
	if r < lastEndReason && reasonText[r] != "" {
		return reasonText[r]
	}
	return "unknown reason"
}

// MarshalText gives String, so that reasons read well as keys of JSON objects.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Opens reports whether r is a reason for opening a connection.
func (r Reason) Opens() bool { return r > NoReason && r < lastOpenReason }

// Ends reports whether r is a reason for the end of a connection.
func (r Reason) Ends() bool { return r >= ServerClosed && r < lastEndReason }

// Reasons counts connections by reason. The zero value is empty and ready.
// It is an array, not a map, so that counting does not allocate.
type Reasons [128]uint64

// All calls yield for every reason that was counted, in the order of the
// constants.
func (rs Reasons) All(yield func(Reason, uint64) bool) {
	for i, n := range rs {
		if n != 0 && !yield(Reason(i), n) {
			return
		}
	}
}

// Map is rs as a map, without the reasons that were not counted.
func (rs Reasons) Map() map[Reason]uint64 {
	m := make(map[Reason]uint64)
	for r, n := range rs.All {
		m[r] = n
	}
	return m
}
