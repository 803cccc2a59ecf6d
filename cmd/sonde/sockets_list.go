package main

import (
	"context"

	"sonde/sockets"
)

// batch is some sockets on their way from the walk to what shows them, so that
// the kernel can go on meanwhile.
type batch struct {
	sockets []sockets.Socket
	// owners holds those of all sockets, one after another; ends says where
	// those of each end.
	owners []sockets.Owner
	ends   []int
}

const (
	batchSize = 64
	batches   = 4 // that are under way at most
)

func (b *batch) reset() { b.sockets, b.owners, b.ends = b.sockets[:0], b.owners[:0], b.ends[:0] }

// each calls show for each socket of the batch.
func (b *batch) each(show func(*sockets.Socket, []sockets.Owner) error) error {
	from := 0
	for i := range b.sockets {
		if err := show(&b.sockets[i], b.owners[from:b.ends[i]]); err != nil {
			return err
		}
		from = b.ends[i]
	}
	return nil
}

// walk asks all queries, and calls show for each socket. The asking is done by a
// goroutine of its own, which is gone when walk returns.
func (c *socketsCommand) walk(ctx context.Context, show func(*sockets.Socket, []sockets.Owner) error) error {
	ctx, cancel := context.WithCancel(ctx)
	full, empty := make(chan *batch, batches), make(chan *batch, batches)
	for range batches {
		empty <- &batch{sockets: make([]sockets.Socket, 0, batchSize)}
	}
	asked := make(chan error, 1)
	go func() {
		defer close(full)
		asked <- c.ask(ctx, empty, full)
	}()
	var failure error
	for b := range full {
		if failure == nil {
			failure = b.each(show)
		}
		if failure != nil {
			cancel()
		}
		b.reset()
		empty <- b
	}
	cancel()
	if err := <-asked; failure == nil {
		failure = err
	}
	return failure
}

// ask is the walk's other half. Owners are looked up here: they have one owner.
func (c *socketsCommand) ask(ctx context.Context, empty <-chan *batch, full chan<- *batch) error {
	b := <-empty
	for _, query := range c.queries {
		for s, err := range c.table.All(ctx, query) {
			if err != nil {
				full <- b
				return err
			}
			b.sockets = append(b.sockets, *s)
			if s.Has&sockets.DetailOwner != 0 {
				for owner := range c.owners.All(s.Inode) {
					b.owners = append(b.owners, owner)
				}
			}
			if b.ends = append(b.ends, len(b.owners)); len(b.sockets) == batchSize {
				full <- b
				b = <-empty
			}
		}
	}
	full <- b
	return nil
}

// runList lists the sockets.
func (c *socketsCommand) runList(ctx context.Context) error {
	if c.json {
		j := newSocketJSON(c)
		err := c.walk(ctx, j.add)
		if werr := j.out.Flush(); err == nil {
			err = werr
		}
		return err
	}
	l := newListing(c.std.out, columnsOf(c.std.out))
	l.shape(c)
	w := socketWords{c: c, names: newSocketNames(ctx, c.numeric, c.resolve)}
	err := c.walk(ctx, func(s *sockets.Socket, owners []sockets.Owner) error {
		w.add(l, s, owners)
		return l.drain()
	})
	if werr := l.end(); err == nil {
		err = werr
	}
	return err
}

// shape leaves out the columns that would say the same in each row.
func (l *listing) shape(c *socketsCommand) {
	l.header, l.oneLine = !c.noHeader, c.oneLine
	l.netid = len(c.queries) != 1 || c.queries[0].Proto == sockets.Unix
	var states sockets.StateSet
	for _, q := range c.queries {
		states |= q.States
	}
	l.state = states&(states-1) != 0
}
