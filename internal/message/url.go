package message

// URL is a URL as requests need it, checked.
type URL struct {
	Origin           // Port is "" for a scheme that is neither http nor https and names none
	Authority string // host, with the port unless it is the default; without user and zone
	Target    string // escaped path and query, at least "/"

	User, Password string // unescaped
	HasUser        bool
	HasPassword    bool
	Fragment       string // escaped, without "#"
}

// ParseURL reads and checks raw.
func ParseURL(raw string) (URL, error) { panic("soon") }

// String is the URL without credentials.
func (u URL) String() string { panic("soon") }

// Resolve is the URL that ref means in a response to a request for u.
func (u URL) Resolve(ref string) (URL, error) { panic("soon") }
