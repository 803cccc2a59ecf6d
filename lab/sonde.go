package lab

import (
	"context"
	"sync"

	"sonde"
	"sonde/trace"
)

// sondeClient is sonde's client, watched through its events.
type sondeClient struct {
	*sonde.Client
	options []sonde.Option

	mu   sync.Mutex
	said account
}

func newSonde(cfg sonde.Config, options ...sonde.Option) (subject, error) {
	s := &sondeClient{options: options}
	cfg.Sink = s
	c, err := sonde.New(cfg)
	s.Client = c
	return s, err
}

func sondeDefault(int) (subject, error) { return newSonde(sonde.Config{}) }
func sondeOneShot(int) (subject, error) { return newSonde(sonde.Config{}, sonde.WithOneShot()) }

func sondeTuned(goroutines int) (subject, error) {
	return newSonde(sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: goroutines}})
}

// get is the shortest that one would write: it is right in every experiment.
func (s *sondeClient) get(ctx context.Context, url string) (visit, error) {
	resp, err := s.Get(ctx, url, s.options...)
	if err != nil {
		return visit{}, err
	}
	conn := resp.ConnInfo()
	return visit{conn.Local.String(), conn.Reused}, nil
}

// Record is for the client.
func (s *sondeClient) Record(e trace.Event) {
	if e.Kind != trace.ConnOpened {
		return
	}
	s.mu.Lock()
	s.said.opened++
	s.said.reasons[e.Reason]++
	s.mu.Unlock()
}

func (s *sondeClient) account() account {
	dialing := s.Pool().Stats().Dialing
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.said
	a.dialing = dialing
	return a
}

func (s *sondeClient) close() { s.Close() }
