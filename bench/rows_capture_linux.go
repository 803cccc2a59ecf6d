package main

import (
	"fmt"
	"slices"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/tap"
)

// captureRows are programs that capture what goes over a wire, beside tcpdump.
func captureRows() []row {
	return []row{
		{"capture-write", "128-byte frames flat out over a veth pair, 8 MiB ring, written to a file in memory", captureWrite},
		{"capture-share", "400,000 128-byte frames/s over a veth pair, each tool's default ring", captureShare},
		{"capture-loopback", "small HTTP answers over loopback, 16 connections, written to a file in memory", captureLoopback},
		{"capture-lines", "100,000 UDP frames/s as lines of text (-n)", captureLines("udp")},
		{"capture-lines-tcp", "100,000 TCP segments/s as lines of text (-n)", captureLines("tcp")},
	}
}

func captureWrite(e *env) ([]measure.Line, error) {
	return e.contest(tap.Far, tap.Blast("udp", e.flood, 0), []*contender{
		{tool: tap.TcpdumpWrites(8 << 10)},
		{tool: tap.Sonde("sonde pcap", tap.PCAP), perPacket: measure.AtMost(.85)},
		{tool: tap.Sonde("sonde pcapng", tap.PCAPNG), perPacket: measure.AtMost(.95)},
		{tool: tap.Sonde("sonde pcapng, process and comment", tap.Tagged), perPacket: measure.AtMost(1.2)},
	}, cpuFigures, shareFigures)
}

func captureShare(e *env) ([]measure.Line, error) {
	return e.contest(tap.Far, tap.Blast("udp", e.flood, 400_000), []*contender{
		{tool: tap.TcpdumpWrites(0)},
		{tool: tap.Sonde("sonde pcap", tap.PCAP), all: true},
		{tool: tap.Sonde("sonde pcapng", tap.PCAPNG), all: true},
	}, shareFigures, cpuFigures)
}

// captureLoopback compares the load's rate, too: with no capture, and with the others.
func captureLoopback(e *env) ([]measure.Line, error) {
	return e.contest("lo", tap.HTTP(e.flood), []*contender{
		{tool: tap.TcpdumpWrites(8 << 10)},
		{tool: tap.Sonde("sonde pcap", tap.PCAP), perPacket: measure.AtMost(.9), load: measure.AtLeast(.97)},
		{tool: tap.Sonde("sonde pcapng", tap.PCAPNG), perPacket: measure.AtMost(.9), load: measure.AtLeast(.97)},
		{tool: tap.Nobody()},
	}, cpuFigures, loadFigures, shareFigures)
}

func captureLines(frames string) func(*env) ([]measure.Line, error) {
	return func(e *env) ([]measure.Line, error) {
		all := []*contender{
			{tool: tap.TcpdumpPrints()},
			{tool: tap.Sonde("sonde", tap.Lines), perPacket: measure.AtMost(.25)},
		}
		lines, err := e.contest(tap.Far, tap.Blast(frames, e.flood, 100_000), all, cpuFigures, shareFigures)
		if err != nil || len(all[0].trials) == 0 {
			return lines, err
		}
		for _, c := range all[1:] {
			if got, want := c.trials[0].Line, all[0].trials[0].Line; got != want {
				return nil, fmt.Errorf("%s prints %q, tcpdump %q", c.tool.Name, got, want)
			}
		}
		return lines, nil
	}
}

// contender is a tool in a contest; the first one is what others are compared with.
type contender struct {
	tool            tap.Tool
	perPacket, load *measure.Bound // ÷ the first one's
	all             bool           // it must capture all
	trials          []*tap.Trial
}

// figures of a contender, beside the first one.
type figures func(c, first *contender, l tap.Load) []measure.Figure

// attempts is how often a trial is tried again whose load fell short.
const attempts = 2

// contest runs the tools in turns under the load, each round in another order.
func (e *env) contest(dev string, l tap.Load, all []*contender, columns ...figures) ([]measure.Line, error) {
	for _, needed := range []error{tap.Has("tcpdump"), tap.Scratch()} {
		if needed != nil {
			return skipped(needed.Error()), nil
		}
	}
	hosts, err := tap.NewHosts()
	if err != nil {
		return skipped(err.Error()), nil
	}
	defer hosts.Close()
	all = slices.Concat(all[:1], slices.DeleteFunc(all[1:], func(c *contender) bool { return !e.wants(c.tool.Name) }))
	err = e.rounds(func(round int) error {
		for i := range all {
			c := all[(i+round)%len(all)]
			t, err := hosts.Try(c.tool, dev, l)
			for range attempts {
				if err != nil || !l.Short(t) {
					break
				}
				t, err = hosts.Try(c.tool, dev, l)
			}
			if err != nil {
				return err
			}
			c.trials = append(c.trials, t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var lines []measure.Line
	for _, c := range all {
		line := measure.Line{Client: c.tool.Name}
		for _, f := range columns {
			line.Figures = append(line.Figures, f(c, all[0], l)...)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// each is a figure of every trial.
func (c *contender) each(f func(*tap.Trial) float64) []float64 {
	var out []float64
	for _, t := range c.trials {
		out = append(out, f(t))
	}
	return out
}

func (c *contender) median(f func(*tap.Trial) float64) float64 {
	m, _ := measure.Median(c.each(f))
	return m
}

// beside divides each trial's figure by the first one's in the same round.
func (c *contender) beside(first *contender, f func(*tap.Trial) float64) (ratio, spread float64) {
	ratios := c.each(f)
	for i, t := range first.trials {
		ratios[i] /= f(t)
	}
	return measure.Median(ratios)
}

func (c *contender) captures() bool { return c.trials[0].Captured > 0 }

// cpuFigures are what a packet costs that was captured.
func cpuFigures(c, first *contender, _ tap.Load) []measure.Figure {
	if !c.captures() {
		return nil
	}
	ratio, spread := c.beside(first, (*tap.Trial).PerPacket)
	return []measure.Figure{
		measure.NewFigure("CPU ns/packet", c.median((*tap.Trial).PerPacket), 0, nil),
		measure.NewFigure("÷ tcpdump", ratio, spread, c.perPacket),
		measure.NewFigure("user ns/packet", c.median((*tap.Trial).UserPerPacket), 0, nil),
	}
}

// loadFigures are what the load got done meanwhile.
func loadFigures(c, first *contender, l tap.Load) []measure.Figure {
	sent := func(t *tap.Trial) float64 { return float64(t.Sent) / l.Length.Seconds() }
	ratio, spread := c.beside(first, sent)
	return []measure.Figure{
		measure.NewFigure("req/s", c.median(sent), 0, nil),
		measure.NewFigure("req/s ÷ with tcpdump", ratio, spread, c.load),
	}
}

// shareFigures are how much was captured of what came.
func shareFigures(c, _ *contender, l tap.Load) []measure.Figure {
	if !c.captures() {
		return nil
	}
	var share, dropped *measure.Bound
	short := func(t *tap.Trial) bool { return l.Short(t) }
	if c.all && !slices.ContainsFunc(c.trials, short) { // else there is nothing to tell
		share, dropped = measure.AtLeast(100), measure.AtMost(0)
	}
	rate := func(t *tap.Trial) float64 { return float64(l.Packets(t)) / l.Length.Seconds() }
	lost := 0.
	for _, t := range c.trials {
		lost += float64(t.Dropped)
	}
	return []measure.Figure{
		measure.NewFigure("packets/s", c.median(rate), 0, nil),
		measure.NewFigure("captured %", 100*c.median((*tap.Trial).Share), 0, share),
		measure.NewFigure("dropped", lost, 0, dropped),
	}
}
