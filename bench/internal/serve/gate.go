package serve

import "sync"

// gate holds connections back until enough of them wait, so that a client has to
// open one for each of its requests.
type gate[C comparable] struct {
	mu      sync.Mutex
	waiting map[C]struct{}
}

// arrive adds c. Once n wait it returns all of them, and is empty again.
func (g *gate[C]) arrive(c C, n int) map[C]struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = make(map[C]struct{}, n)
	}
	g.waiting[c] = struct{}{}
	if len(g.waiting) < n {
		return nil
	}
	all := g.waiting
	g.waiting = nil
	return all
}

// leave takes out a connection that has ended.
func (g *gate[C]) leave(c C) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, c)
}
