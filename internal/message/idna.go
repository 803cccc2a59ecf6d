package message

import "fmt"

func toASCII(host string) (string, error) {
	return "", fmt.Errorf("the host name %s: international names come with x/net/idna", excerpt(host))
}
