//go:build !linux

package sniff

import (
	"errors"
	"fmt"
)

// DropPrivileges returns an error: there is nothing of the kind here.
func DropPrivileges(string) error {
	return fmt.Errorf("sniff: dropping privileges: %w", errors.ErrUnsupported)
}
