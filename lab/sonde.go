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
	said Account
}

func newSonde(cfg sonde.Config, options ...sonde.Option) (Subject, error) {
	s := &sondeClient{options: options}
	cfg.Sink = s
	c, err := sonde.New(cfg)
	s.Client = c
	return s, err
}

func sondeDefault(int) (Subject, error) { return newSonde(sonde.Config{}) }
func sondeOneShot(int) (Subject, error) { return newSonde(sonde.Config{}, sonde.WithOneShot()) }

func sondeTuned(goroutines int) (Subject, error) {
	return newSonde(sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: goroutines}})
}

// Get is the shortest that one would write: it is right in every experiment.
func (s *sondeClient) Get(ctx context.Context, url string) (Visit, error) {
	resp, err := s.Client.Get(ctx, url, s.options...)
	if err != nil {
		return Visit{}, err
	}
	conn := resp.ConnInfo()
	return Visit{conn.Local.String(), conn.Reused}, nil
}

// Record is for the client.
func (s *sondeClient) Record(e trace.Event) {
	if e.Kind != trace.ConnOpened {
		return
	}
	s.mu.Lock()
	s.said.Opened++
	s.said.Reasons[e.Reason]++
	s.mu.Unlock()
}

// Account counts what Record heard.
func (s *sondeClient) Account() Account {
	dialing := s.Pool().Stats().Dialing
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.said
	a.Dialing = dialing
	return a
}

// Close closes the client.
func (s *sondeClient) Close() { s.Client.Close() }
