package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sonde/capture"
	"sonde/capture/keylog"
	"sonde/capture/sniff"
	"sonde/inspect"
	"sonde/sockets"
)

// watching is one run of sonde watch: what it listens to, and what it runs.
type watching struct {
	c      *watchCommand
	show   *watchTable
	in     *inspect.Inspector
	family *family // whose connections count; nil: everybody's

	live  *capture.Live
	file  *capture.Reader
	keys  *keylog.Log
	table *sockets.Table
}

// resolve finds the addresses of --host.
func (c *watchCommand) resolve(ctx context.Context) error {
	if len(c.hosts) == 0 {
		return nil
	}
	c.servers = map[netip.Addr]bool{}
	for _, h := range c.hosts {
		h = strings.Trim(h, "[]")
		if a, err := netip.ParseAddr(h); err == nil {
			c.servers[a.Unmap().WithZone("")] = true
			continue
		}
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", h)
		if err != nil {
			return fmt.Errorf("--host: %w", err)
		}
		for _, a := range all {
			c.servers[a.Unmap().WithZone("")] = true
		}
	}
	return nil
}

// serves reports whether a server is one of those asked for.
func (c *watchCommand) serves(a netip.AddrPort) bool {
	return (len(c.ports) == 0 || slices.Contains(c.ports, int(a.Port()))) &&
		(c.servers == nil || c.servers[a.Addr().Unmap().WithZone("")])
}

// expression is the capture's filter.
func (c *watchCommand) expression() string {
	var ports, hosts []string
	for _, p := range c.ports {
		ports = append(ports, fmt.Sprintf("port %d", p))
	}
	for a := range c.servers {
		hosts = append(hosts, "host "+a.String())
	}
	slices.Sort(hosts)
	text := "tcp"
	for _, some := range [][]string{ports, hosts} {
		if len(some) > 0 {
			text += " and (" + strings.Join(some, " or ") + ")"
		}
	}
	return text
}

// query is the same for sockets.
func (c *watchCommand) query() sockets.Query {
	var ports, hosts []sockets.Filter
	for _, p := range c.ports {
		ports = append(ports, sockets.Port(uint16(p)))
	}
	for a := range c.servers {
		one := netip.PrefixFrom(a, a.BitLen())
		hosts = append(hosts, sockets.LocalPrefix(one), sockets.RemotePrefix(one))
	}
	q := sockets.Query{Detail: sockets.DetailInfo | sockets.DetailOwner}
	var all []sockets.Filter
	for _, some := range [][]sockets.Filter{ports, hosts} {
		if len(some) > 0 {
			all = append(all, sockets.Or(some...))
		}
	}
	q.Filter = sockets.And(all...)
	return q
}

// open opens what there is to listen to. It is an error if there is nothing.
func (w *watching) open() error {
	c := w.c
	cfg := inspect.Config{}
	if len(c.ports) > 0 || c.servers != nil {
		cfg.Server = c.serves
	}
	if c.pid > 0 || len(c.command) > 0 && cfg.Server == nil {
		w.family = newFamily(c.pid)
		cfg.Mine = w.family.has
	}
	var err error
	if c.keylog != "" {
		if _, gone := os.Stat(c.keylog); c.read != "" && gone != nil { // nobody will write it any more
			return fmt.Errorf("--keylog: %w", gone)
		}
		if w.keys, err = keylog.Open(c.keylog); err != nil {
			return fmt.Errorf("--keylog: %w", err)
		}
		cfg.Keys = w.keys
	}
	if c.read != "" {
		cfg.Packets = true
		if w.keys == nil {
			w.keys = &keylog.Log{}
		}
		if w.file, err = capture.OpenFile(c.read); err != nil {
			return err
		}
		if len(w.file.Secrets(0)) > 0 || c.keylog != "" {
			cfg.Keys = w.keys
		}
		w.in = inspect.New(cfg)
		return nil
	}
	if c.pid > 0 && !alive(c.pid) {
		return fmt.Errorf("--pid: there is no process %d", c.pid)
	}
	packets := w.openLive()
	cfg.Packets = packets == nil
	w.in = inspect.New(cfg)
	var looks error
	if w.table, looks = sockets.Open(sockets.Config{}); looks != nil {
		w.in.Trouble("The kernel's sockets cannot be asked: " + looks.Error() + ".")
	}
	switch {
	case packets == nil:
		return nil
	case looks != nil || !errors.Is(packets, fs.ErrPermission) && !errors.Is(packets, errors.ErrUnsupported):
		w.close()
		return packets
	}
	w.in.Trouble("Packets cannot be seen (" + packets.Error() + "): the kernel's sockets alone were asked. " +
		"They tell of connections and who closed them, but not what was said; requests are estimated, and connections that came and went " +
		"between two looks are missing.")
	w.show.say("%s", sniff.Advice(packets))
	return nil
}

// ringSize is room for a tenth of a second of a busy server.
const ringSize = 16 << 20

func (w *watching) openLive() error {
	c := w.c
	name, err := sniff.ResolveInterface(c.device)
	if err != nil {
		return err
	}
	link, err := capture.LinkOf(name)
	if err != nil {
		return err
	}
	p, err := compileFilter(c.expression(), link, capture.MaxSnapLen, true)
	if err != nil {
		return err
	}
	w.live, err = capture.Open(capture.Config{
		Interface: name, Filter: p.Raw(), Expression: c.expression(), SnapLen: c.snap, RingSize: ringSize, Retire: 50 * time.Millisecond,
	})
	return err
}

func (w *watching) close() {
	if w.live != nil {
		w.live.Close()
	}
	if w.table != nil {
		w.table.Close()
	}
	if w.file != nil {
		w.file.Close()
	}
}

// follow listens until whatever is watched ends.
func (w *watching) follow(ctx context.Context) error {
	if w.file != nil {
		return w.readFile(ctx)
	}
	if w.c.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.c.length)
		defer cancel()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	var capturing, running error
	if w.live != nil {
		group.Go(func() { capturing = w.packets(); stop() })
	}
	if w.table != nil {
		group.Go(func() { w.looks(ctx) })
	}
	group.Go(func() { w.show.refresh(ctx, w) })
	if len(w.c.command) > 0 {
		running = w.runChild(ctx)
		stop()
	} else if w.c.pid > 0 {
		waitFor(ctx, w.c.pid)
		stop()
	}
	<-ctx.Done()
	if w.live != nil {
		w.live.Stop()
	}
	group.Wait()
	if w.live != nil {
		w.counts()
	}
	return errors.Join(capturing, running)
}

// packets hands the packets of the live capture over.
func (w *watching) packets() error {
	var p capture.Packet
	for {
		switch err := w.live.Next(&p); {
		case err == nil:
			w.in.Packet(&p)
		case errors.Is(err, io.EOF), errors.Is(err, capture.ErrClosed):
			return nil
		default:
			w.in.Trouble("The capture ended early: " + err.Error() + ".")
			return err
		}
	}
}

// counts tells the inspector what was lost.
func (w *watching) counts() {
	if s, err := w.live.Stats(); err == nil {
		w.in.Dropped(s.Dropped)
	}
}

// A look at the sockets takes at most one part in twenty of the time, and one in
// four where nobody else sees anything.
const (
	lookPause      = 100 * time.Millisecond
	lookPauseAlone = 20 * time.Millisecond
	lookShare      = 20
	lookShareAlone = 4
)

// looks asks for the sockets again and again, and a last time at the end.
func (w *watching) looks(ctx context.Context) {
	pause, share := lookPause, time.Duration(lookShare)
	if w.live == nil {
		pause, share = lookPauseAlone, lookShareAlone
	}
	q := w.c.query()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for last := false; ; {
		start := time.Now()
		w.family.refresh()
		if err := w.in.Sockets(start.UnixNano(), w.table.All(context.Background(), q)); err != nil {
			w.in.Trouble("The kernel's sockets cannot be asked any more: " + err.Error() + ".")
			return
		}
		if last {
			return
		}
		timer.Reset(max(pause, share*time.Since(start)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			last = true
		}
	}
}

// readFile hands the packets of a file over.
func (w *watching) readFile(ctx context.Context) error {
	var p capture.Packet
	secrets := 0
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			w.in.Trouble("Interrupted: the rest of the file was not read.")
			return nil
		}
		err := w.file.Next(&p)
		if more := w.file.Secrets(secrets); more != nil {
			secrets += len(more)
			w.keys.Add(more)
		}
		switch {
		case err == nil:
			w.in.Packet(&p)
		case errors.Is(err, io.EOF):
			if s, err := w.file.Stats(); err == nil {
				w.in.Dropped(s.Dropped)
			}
			return nil
		case errors.Is(err, capture.ErrTruncated):
			w.in.Trouble("The file is cut short in the middle of a packet: what came before it was judged.")
			return nil
		default:
			w.in.Trouble("The file could not be read to its end: " + err.Error() + ".")
			return err
		}
	}
}

// finish ends the watch.
func (w *watching) finish() *inspect.Report {
	report := w.in.Finish()
	w.close()
	return report
}
