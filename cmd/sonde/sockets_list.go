package main

import (
	"context"
	"runtime/debug"
	"slices"

	"sonde/sockets"
)

// walk asks all queries, and calls show for each socket.
func (c *socketsCommand) walk(ctx context.Context, show func(*sockets.Socket, []sockets.Owner) error) error {
	var owners []sockets.Owner
	for _, query := range c.queries {
		for s, err := range c.table.All(ctx, query) {
			if err != nil {
				return err
			}
			owners = owners[:0]
			if s.Has&sockets.DetailOwner != 0 {
				owners = slices.AppendSeq(owners, c.owners.All(s.Inode))
			}
			if err := show(s, owners); err != nil {
				return err
			}
		}
	}
	return nil
}

// listGarbage is how much of what a list has thrown away may lie around, in percent
// of what it holds: 30 MiB with 10,000 sockets. The list is over before that, and one
// collection less is 5 % of its time.
const listGarbage = 800

// runList lists the sockets.
func (c *socketsCommand) runList(ctx context.Context) error {
	defer debug.SetGCPercent(debug.SetGCPercent(listGarbage))
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
