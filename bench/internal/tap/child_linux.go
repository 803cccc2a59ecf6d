package tap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// Main is what the process does that has ChildEnv set to kind.
func Main(kind string, args []string) error {
	want := map[string]int{kindBlast: 4, kindHTTP: 1}
	if n, ok := want[kind]; ok && len(args) != n {
		return fmt.Errorf("%s takes %d arguments", kind, n)
	}
	switch kind {
	case kindBlast:
		length, err := time.ParseDuration(args[2])
		rate, wrong := strconv.Atoi(args[3])
		if err = errors.Join(err, wrong); err != nil {
			return err
		}
		return blast(args[0], args[1], length, rate)
	case kindHTTP:
		length, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		return exchange(length)
	}
	return capturing(kind, args)
}

// The kinds of children that make a load.
const (
	kindBlast = "blast"
	kindHTTP  = "http"
)

// child is this binary as another process.
func child(kind string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(slices.Clip(os.Environ()), ChildEnv+"="+kind)
	return cmd, nil
}
