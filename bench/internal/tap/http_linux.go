package tap

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// exchangers is how many connections the HTTP load has.
const exchangers = 16

// exchange asks a server of its own for small answers over loopback, and says how
// many came.
func exchange(length time.Duration) error {
	site, err := serve.Start(serve.Epoll, 1)
	if err != nil {
		return err
	}
	defer site.Close()
	job, err := peer.NewJob(peer.Job{Addr: site.Plain, Path: serve.Small, Workers: exchangers})
	if err != nil {
		return err
	}
	client := peer.Raw(job, peer.Context{})
	defer client.Close()
	var answers atomic.Int64
	var wait sync.WaitGroup
	failed := make([]error, exchangers)
	end := time.Now().Add(length)
	for i := range exchangers {
		op, err := client.Op(i)
		if err != nil {
			return err
		}
		wait.Go(func() {
			n := int64(0)
			for ; failed[i] == nil && time.Now().Before(end); n++ {
				failed[i] = op()
			}
			answers.Add(n)
		})
	}
	wait.Wait()
	_, err = fmt.Println(answers.Load())
	return errors.Join(append(failed, err)...)
}
