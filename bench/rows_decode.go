package main

import (
	"encoding/binary"
	"errors"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"sonde/bench/internal/measure"
	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
)

// decodeRows are headers read in memory.
func decodeRows() []row {
	return []row{{"decode", "Ethernet, IPv4 and TCP with time stamps, from 128 bytes", decodeHeaders}}
}

// segment is a TCP segment of a stream under way, in 128 bytes with its Ethernet
// header.
func segment() []byte {
	f := make([]byte, 128)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 114, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x9c, 0x40, 0, 80, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 8 << 4, 0x18, 1, 0xf5, 0, 0, 0, 0,
		1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2})
	return f
}

const sequenceAt, segmentPayload = 38, 62

func decodeHeaders(e *env) ([]measure.Line, error) {
	frame := segment()
	var p decode.Packet
	g, decoded := gopacketParser(), make([]gopacket.LayerType, 0, 8)
	p.Decode(capture.LinkEthernet, frame)
	if err := g.DecodeLayers(frame, &decoded); err != nil {
		return nil, err
	}
	if len(p.Payload) != segmentPayload || len(decoded) != 4 || !p.Has.All(decode.LayerIPv4|decode.LayerTCP) {
		return nil, errors.New("a segment was not read to its end")
	}
	stream, table, now := segment(), flow.NewTable(flow.Limits{}), int64(0)
	defer table.Close()
	results := measure.Loops(e.loopBudget(), []measure.Loop{
		{Name: "gopacket DecodingLayerParser", Run: func(n int) {
			for range n {
				g.DecodeLayers(frame, &decoded)
			}
		}},
		{Name: "sonde", Run: func(n int) {
			for range n {
				p.Decode(capture.LinkEthernet, frame)
			}
		}},
		{Name: "sonde, with its table of connections", Run: func(n int) {
			for range n {
				sequence := binary.BigEndian.Uint32(stream[sequenceAt:])
				binary.BigEndian.PutUint32(stream[sequenceAt:], sequence+segmentPayload)
				now += 1000
				p.Decode(capture.LinkEthernet, stream)
				table.Packet(&p, now)
			}
		}},
	})
	targets := []*measure.Bound{nil, measure.AtMost(25), nil}
	allocs := []*measure.Bound{nil, measure.Allocs(0), nil}
	var lines []measure.Line
	for i, name := range []string{"gopacket DecodingLayerParser", "sonde", "sonde, with its table of connections"} {
		r := results[i]
		lines = append(lines, measure.Line{Client: name, Figures: []measure.Figure{
			measure.NewFigure("ns/packet", r.Nanos, r.Spread, targets[i]),
			measure.NewFigure("÷ gopacket", r.Nanos/results[0].Nanos, 0, nil),
			measure.NewFigure("allocs/packet", r.Allocs, 0, allocs[i]),
		}})
	}
	return lines, nil
}

// gopacketParser is the fastest that gopacket has: into layers that are there.
func gopacketParser() *gopacket.DecodingLayerParser {
	g := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet,
		new(layers.Ethernet), new(layers.IPv4), new(layers.TCP), new(gopacket.Payload))
	g.IgnoreUnsupported = true
	return g
}
