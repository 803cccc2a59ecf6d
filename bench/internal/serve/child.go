package serve

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
)

// hello is what the server's process says on its standard output once it listens.
type hello struct {
	Plain, TLS, Bulk string // addresses
	Cert             []byte // PEM
}

// Main is the server's process: it serves until its standard input ends. kind is
// Epoll or Goroutines, file what Down sends.
func Main(kind, file string) error {
	cert, key, err := certificate()
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err
	}
	var listeners [3]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	plain, secure, bulk := listeners[0], listeners[1], listeners[2]
	g := &goroutines{file: file}
	failed := make(chan error, 4)
	go func() {
		if kind == Goroutines {
			failed <- g.serve(plain)
		} else {
			failed <- serveEvents(plain)
		}
	}()
	go func() { failed <- g.serve(bulk) }()
	go func() {
		failed <- g.serve(tls.NewListener(secure, &tls.Config{
			Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}))
	}()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		failed <- nil // the parent is gone, or wants us gone
	}()
	err = json.NewEncoder(os.Stdout).Encode(hello{
		plain.Addr().String(), secure.Addr().String(), bulk.Addr().String(), cert})
	if err != nil {
		return fmt.Errorf("telling the addresses: %w", err)
	}
	err = <-failed
	runtime.KeepAlive(listeners) // else the collector would close them
	return err
}
