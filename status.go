package sonde

import "strconv"

// Status is a response's status code, 100 to 999 (RFC 9110 §15).
type Status int

// AnyStatus, given to WithAccept or Config.Accept, makes every status a success.
const AnyStatus Status = -1

// The status codes of RFC 9110 §15, and a few that other RFCs added.
const (
	StatusContinue           Status = 100
	StatusSwitchingProtocols Status = 101
	StatusProcessing         Status = 102 // RFC 2518
	StatusEarlyHints         Status = 103 // RFC 8297

	StatusOK                   Status = 200
	StatusCreated              Status = 201
	StatusAccepted             Status = 202
	StatusNonAuthoritativeInfo Status = 203
	StatusNoContent            Status = 204
	StatusResetContent         Status = 205
	StatusPartialContent       Status = 206

	StatusMultipleChoices   Status = 300
	StatusMovedPermanently  Status = 301
	StatusFound             Status = 302
	StatusSeeOther          Status = 303
	StatusNotModified       Status = 304
	StatusTemporaryRedirect Status = 307
	StatusPermanentRedirect Status = 308

	StatusBadRequest            Status = 400
	StatusUnauthorized          Status = 401
	StatusPaymentRequired       Status = 402
	StatusForbidden             Status = 403
	StatusNotFound              Status = 404
	StatusMethodNotAllowed      Status = 405
	StatusNotAcceptable         Status = 406
	StatusProxyAuthRequired     Status = 407
	StatusRequestTimeout        Status = 408
	StatusConflict              Status = 409
	StatusGone                  Status = 410
	StatusLengthRequired        Status = 411
	StatusPreconditionFailed    Status = 412
	StatusContentTooLarge       Status = 413
	StatusURITooLong            Status = 414
	StatusUnsupportedMediaType  Status = 415
	StatusRangeNotSatisfiable   Status = 416
	StatusExpectationFailed     Status = 417
	StatusMisdirectedRequest    Status = 421
	StatusUnprocessableContent  Status = 422
	StatusTooEarly              Status = 425 // RFC 8470
	StatusUpgradeRequired       Status = 426
	StatusPreconditionRequired  Status = 428 // RFC 6585
	StatusTooManyRequests       Status = 429 // RFC 6585
	StatusHeaderFieldsTooLarge  Status = 431 // RFC 6585
	StatusLegallyUnavailable    Status = 451 // RFC 7725
	StatusInternalServerError   Status = 500
	StatusNotImplemented        Status = 501
	StatusBadGateway            Status = 502
	StatusServiceUnavailable    Status = 503
	StatusGatewayTimeout        Status = 504
	StatusVersionNotSupported   Status = 505
	StatusNetworkAuthentication Status = 511 // RFC 6585
)

var statusTexts = [...]struct {
	status Status
	text   string
}{
	{100, "Continue"}, {101, "Switching Protocols"}, {102, "Processing"}, {103, "Early Hints"},
	{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"},
	{204, "No Content"}, {205, "Reset Content"}, {206, "Partial Content"},
	{300, "Multiple Choices"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"},
	{304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
	{400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"},
	{404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"},
	{407, "Proxy Authentication Required"}, {408, "Request Timeout"}, {409, "Conflict"},
	{410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
	{413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"}, {417, "Expectation Failed"}, {421, "Misdirected Request"},
	{422, "Unprocessable Content"}, {425, "Too Early"}, {426, "Upgrade Required"},
	{428, "Precondition Required"}, {429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"},
	{500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
	{503, "Service Unavailable"}, {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
	{511, "Network Authentication Required"},
}

// Class is the status's first digit: 2 for every success, 0 for what is no status.
func (s Status) Class() int {
	if s < 100 || s > 999 {
		return 0
	}
	return int(s) / 100
}

// OK reports whether the class is 2.
func (s Status) OK() bool { return s.Class() == 2 }

// String is the code and its standard meaning, such as "404 Not Found"; the code
// alone where it has none.
func (s Status) String() string {
	text := strconv.Itoa(int(s))
	for i := range statusTexts {
		if t := &statusTexts[i]; t.status == s {
			text += " " + t.text
		}
	}
	return text
}
