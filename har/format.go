package har

// The objects of HAR 1.2, with the member names of its specification. Those that
// begin with an underscore are our own, as the specification allows; browsers
// write _error, too.

type archive struct {
	Log log `json:"log"`
}

type log struct {
	Version string   `json:"version"`
	Creator creator  `json:"creator"`
	Entries []*entry `json:"entries"`
}

type creator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type entry struct {
	Started    string   `json:"startedDateTime"`
	Time       float64  `json:"time"` // ms, the sum of timings but for ssl, which is part of connect
	Request    request  `json:"request"`
	Response   response `json:"response"`
	Cache      struct{} `json:"cache"`
	Timings    timings  `json:"timings"`
	ServerIP   string   `json:"serverIPAddress,omitempty"`
	Connection string   `json:"connection,omitempty"`
	Comment    string   `json:"comment,omitempty"`
	Attempts   int      `json:"_attempts,omitempty"` // where there were more than one
	Reused     bool     `json:"_reused,omitempty"`
	WhyNew     string   `json:"_whyNew,omitempty"` // why a new connection was opened
	WhyClosed  string   `json:"_whyClosed,omitempty"`
}

type request struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	Version     string    `json:"httpVersion"`
	Cookies     []cookie  `json:"cookies"`
	Headers     []pair    `json:"headers"`
	Query       []pair    `json:"queryString"`
	PostData    *postData `json:"postData,omitempty"`
	HeadersSize int64     `json:"headersSize"` // -1: not known
	BodySize    int64     `json:"bodySize"`
}

type response struct {
	Status      int      `json:"status"` // 0: there was none
	StatusText  string   `json:"statusText"`
	Version     string   `json:"httpVersion"`
	Cookies     []cookie `json:"cookies"`
	Headers     []pair   `json:"headers"`
	Content     content  `json:"content"`
	RedirectURL string   `json:"redirectURL"`
	HeadersSize int64    `json:"headersSize"`
	BodySize    int64    `json:"bodySize"`
	Error       string   `json:"_error,omitempty"`
}

type pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type cookie struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Path     string `json:"path,omitempty"`
	Domain   string `json:"domain,omitempty"`
	Expires  string `json:"expires,omitempty"` // ISO 8601
	HTTPOnly bool   `json:"httpOnly,omitempty"`
	Secure   bool   `json:"secure,omitempty"`
}

type postData struct {
	MediaType string `json:"mimeType"`
	Text      string `json:"text"`
	Encoding  string `json:"_encoding,omitempty"` // "base64"
	Comment   string `json:"comment,omitempty"`
}

type content struct {
	Size      int64  `json:"size"`
	Saved     int64  `json:"compression,omitempty"`
	MediaType string `json:"mimeType"`
	Text      string `json:"text,omitempty"`
	Encoding  string `json:"encoding,omitempty"`
	Comment   string `json:"comment,omitempty"`
}

// timings are milliseconds; -1: does not apply. connect has ssl in it.
type timings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
	SSL     float64 `json:"ssl"`
}
