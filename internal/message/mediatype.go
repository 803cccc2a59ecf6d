package message

// MediaType is a media type with its parameters (RFC 9110, section 8.3.1).
type MediaType struct {
	Type   string // "text/html", lower case
	params string
}

// Param returns the parameter of that name, unquoted.
func (m MediaType) Param(name string) (string, bool) { panic("soon") }

// ParseMediaType reads s.
func ParseMediaType(s string) (MediaType, error) { panic("soon") }
