package sockets

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
)

// procNet is the caller's own network namespace.
const procNet = "/proc/thread-self/net/"

func procExists() error {
	_, err := os.Stat(procNet + "tcp")
	return err
}

// walkProc is the plan carried out on the files of /proc/net.
func walkProc(ctx context.Context, p *plan, s *Socket, visit func(*Socket) bool) error {
	known := names{}
	step := func(read bool) bool { return !read || !p.wants(s) || visit(s) }
	if p.Proto == Unix {
		_, err := eachLine(ctx, procNet+"unix", func(line []byte) bool {
			return step(parseProcUnix(line, s, known))
		})
		return err
	}
	for _, file := range []struct {
		family Family
		suffix string
	}{{IPv4, ""}, {IPv6, "6"}} {
		if p.Family != 0 && p.Family != file.family {
			continue
		}
		more, err := eachLine(ctx, procNet+p.Proto.String()+file.suffix, func(line []byte) bool {
			return step(parseProcInet(line, s, p.Proto, file.family))
		})
		if errors.Is(err, fs.ErrNotExist) && file.family == IPv6 {
			continue // a kernel without IPv6
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// eachLine calls visit for each line until it returns false.
func eachLine(ctx context.Context, path string, visit func([]byte) bool) (more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), 64<<10)
	for lines.Scan() {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if !visit(lines.Bytes()) {
			return false, nil
		}
	}
	return true, lines.Err()
}
