//go:build !linux

package sniff

import (
	"errors"
	"fmt"
)

// DropPrivileges returns an error: there is nothing of the kind here.
func DropPrivileges(name string) error { return dropPrivileges(name, 0) }

const mayWrite = 0

func dropPrivileges(string, uint32) error {
	return fmt.Errorf("sniff: dropping privileges: %w", errors.ErrUnsupported)
}
