package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// idleClients are those that the row of idle connections compares.
var idleClients = []string{"raw", "sonde", "fasthttp", "hertz", "net/http"}

// idleReport is what the child says: bytes and goroutines for each connection.
type idleReport struct{ Resident, Heap, Goroutines float64 }

func idleClient(name string, j *peer.Job) measure.Client {
	switch name {
	case "raw":
		return peer.RawHold(j)
	case "sonde":
		return peer.SondeDo(j)
	case "fasthttp":
		return peer.FastHTTP(j, peer.Context{})
	case "hertz":
		return peer.Hertz(j)
	}
	return peer.NetHTTP(j, peer.Context{})
}

// idleChild opens connections by as many requests at once, which the server
// answers when all have come, and reports what it holds afterwards.
func idleChild(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: client address connections")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	noHugePages()
	path := serve.Wait + strconv.Itoa(n)
	j, err := peer.NewJob(peer.Job{Addr: args[1], Path: path, Workers: n})
	if err != nil {
		return err
	}
	client := idleClient(args[0], j)
	if err := once(args[0], args[1]); err != nil {
		return err
	}
	// Goroutines leave a trace in the runtime's memory when they end: leave it
	// before the count begins.
	gate := make(chan struct{})
	settle := 100*time.Millisecond + time.Duration(n)*50*time.Microsecond
	time.AfterFunc(settle, func() { close(gate) })
	together(n, func(int) error { <-gate; return nil })
	before := memory()
	err = together(n, func(i int) error {
		op, err := client.Op(i)
		if err != nil {
			return err
		}
		return op()
	})
	if err != nil {
		return err
	}
	time.Sleep(settle)
	after := memory()
	defer client.Close()
	each := func(a, b float64) float64 { return (b - a) / float64(n) }
	return json.NewEncoder(os.Stdout).Encode(idleReport{
		each(before.Resident, after.Resident), each(before.Heap, after.Heap), each(before.Goroutines, after.Goroutines)})
}

// once makes one request by a client of its own: what every process needs of a
// client, such as the pages of its code, is no matter of connections.
func once(name, addr string) error {
	j, err := peer.NewJob(peer.Job{Addr: addr, Path: serve.Wait + "1", Workers: 1})
	if err != nil {
		return err
	}
	client := idleClient(name, j)
	defer client.Close()
	op, err := client.Op(0)
	if err != nil {
		return err
	}
	return op()
}

// patience is how long opening all connections may take.
const patience = 30 * time.Second

// together runs f n times at once. It starts in steps, so that the server's queue
// of connections does not overflow, and does not wait for the others after a
// failure: the server would hold them for ever.
func together(n int, f func(int) error) error {
	results := make(chan error, n)
	for i := range n {
		go func() { results <- f(i) }()
		if i%100 == 99 {
			time.Sleep(4 * time.Millisecond)
		}
	}
	late := time.After(patience)
	for i := range n {
		select {
		case err := <-results:
			if err != nil {
				return fmt.Errorf("opening connections: %w", err)
			}
		case <-late:
			return fmt.Errorf("opening connections: only %d of %d answered within %v", i, n, patience)
		}
	}
	return nil
}

// forgetStacks makes the runtime give up the stacks of goroutines that have ended.
// Each processor keeps some sixty of them for the next goroutines, wherever they lie:
// with nothing else changed that is .4 MB in one run and 4 in another, or 400 bytes
// for each of 10,000 connections.
func forgetStacks() {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // a processor that goes gives up its own
	gate := make(chan struct{})
	var ended sync.WaitGroup
	for range 256 { // more than one processor keeps
		ended.Go(func() {
			<-gate
			grow(64)
		})
	}
	close(gate)
	ended.Wait()
}

// grow takes n KB of stack: one that has grown goes with its goroutine.
//
//go:noinline
func grow(n int) byte {
	var frame [1024]byte
	if n > 0 {
		frame[n] = grow(n - 1)
	}
	return frame[n/2]
}

// memory is what this process holds, once garbage is gone and unused memory given
// back.
func memory() idleReport {
	for range 3 { // what pools keep goes with the second one
		forgetStacks()
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return idleReport{float64(resident(&m)), float64(m.HeapAlloc), float64(runtime.NumGoroutine())}
}
