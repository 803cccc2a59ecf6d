package sock

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
)

// The kinds of children.
const (
	kindCrowd = "crowd"
	kindList  = "list"
)

// Main is what the process does that has ChildEnv set to kind.
func Main(kind string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes an argument", kind)
	}
	n, err := strconv.Atoi(args[0])
	switch {
	case err != nil:
		return err
	case kind == kindCrowd:
		return crowd(n)
	}
	return listOnce(n != 0)
}

// child is this binary as another process.
func child(kind string, n int) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, strconv.Itoa(n))
	cmd.Env = append(slices.Clip(os.Environ()), ChildEnv+"="+kind)
	cmd.Stderr = os.Stderr
	return cmd, nil
}
