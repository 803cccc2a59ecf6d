package serve

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Kinds of servers.
const (
	Epoll      = "epoll"
	Goroutines = "goroutines"
	Nginx      = "nginx"
)

// ChildEnv tells this program's binary that it is to be the server: Start sets it
// to the kind, and the file is the first argument.
const ChildEnv = "SONDE_BENCH_SERVER"

// Site is a server that runs.
type Site struct {
	Plain, TLS, Bulk string // addresses
	Roots            *x509.CertPool
	File             string // what Down sends, for Up
	Size             int64  // of File

	lacks []string
	dir   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// Has reports whether the server knows the path.
func (s *Site) Has(path string) bool { return !slices.Contains(s.lacks, path) }

// Start starts a server of the kind, with a file of size bytes. The caller closes
// the Site.
func Start(kind string, size int64) (*Site, error) {
	dir, err := os.MkdirTemp("", "sonde-bench-")
	if err != nil {
		return nil, err
	}
	s := &Site{dir: dir, File: filepath.Join(dir, "down"), Size: size}
	if err = writeFile(s.File, size); err == nil {
		switch kind {
		case Epoll, Goroutines:
			err = s.startOwn(kind)
		case Nginx:
			err = s.startNginx()
		default:
			err = fmt.Errorf("server %q is not known: %s, %s and %s are", kind, Epoll, Goroutines, Nginx)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// startOwn runs this binary once more, as the server.
func (s *Site) startOwn(kind string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.cmd = exec.Command(self, s.File)
	s.cmd.Env = append(os.Environ(), ChildEnv+"="+kind)
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	var h hello
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&h); err != nil {
		return fmt.Errorf("the server did not start: %w", err)
	}
	s.Plain, s.TLS, s.Bulk = h.Plain, h.TLS, h.Bulk
	return s.trust(h.Cert)
}

func (s *Site) trust(cert []byte) error {
	s.Roots = x509.NewCertPool()
	if !s.Roots.AppendCertsFromPEM(cert) {
		return errors.New("the server's certificate cannot be read")
	}
	return nil
}

// Abort ends the server and waits for nothing: for a program that is about to end.
// It may come from another goroutine.
func (s *Site) Abort() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(os.Interrupt)
	}
}

// Close ends the server and removes its files.
func (s *Site) Close() {
	if s.stdin != nil {
		s.stdin.Close()
	} else if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(os.Interrupt)
	}
	if s.cmd != nil && s.cmd.Process != nil {
		late := time.AfterFunc(5*time.Second, func() { s.cmd.Process.Kill() })
		s.cmd.Wait()
		late.Stop()
	}
	os.RemoveAll(s.dir)
}
