package sonde

// Method is a request method. Any token is one (RFC 9110 §9.1); case matters.
type Method string

// The methods of RFC 9110 §9.3 and RFC 5789.
const (
	GET     Method = "GET"
	HEAD    Method = "HEAD"
	POST    Method = "POST"
	PUT     Method = "PUT"
	PATCH   Method = "PATCH"
	DELETE  Method = "DELETE"
	OPTIONS Method = "OPTIONS"
	TRACE   Method = "TRACE"
	CONNECT Method = "CONNECT"
)

// Safe reports whether the method only reads (RFC 9110 §9.2.1).
func (m Method) Safe() bool {
	switch m {
	case GET, HEAD, OPTIONS, TRACE:
		return true
	}
	return false
}

// Idempotent reports whether a request may be repeated with the effect of one
// (RFC 9110 §9.2.2). Methods that sonde does not know are not.
func (m Method) Idempotent() bool { return m.Safe() || m == PUT || m == DELETE }
