package message

import (
	"fmt"

	"sonde/internal/idna"
)

// toASCII is an international host name as A-labels (RFC 5891, section 5; UTS 46).
func toASCII(host string) (string, error) {
	ascii, err := idna.ToASCII(host)
	if err != nil {
		return "", fmt.Errorf("the host name %s is not a valid international name: %w", excerpt(host), err)
	}
	return ascii, nil
}
