package inspect_test

import (
	"encoding/binary"
	"fmt"
	"time"

	"sonde/capture"
	"sonde/inspect"
)

// wire makes the packets of made-up connections, in one time.
type wire struct {
	in    *inspect.Inspector
	now   time.Duration
	since time.Time
	lost  bool // packets are not seen
}

func newWire(c inspect.Config) *wire {
	c.Packets = true
	return &wire{in: inspect.New(c), since: time.Unix(1e9, 0)}
}

// call is one connection; its numbers are where each side has got to.
type call struct {
	w              *wire
	client, server [4]byte
	sport, dport   uint16
	seq            [2]uint32
	window         [2]uint16
}

const (
	fin = 1
	syn = 2
	rst = 4
	ack = 16
)

// packet sends one packet, from the client (0) or the server (1).
func (c *call) packet(from int, flags byte, data string) {
	b := make([]byte, 40, 40+len(data))
	src, dst, sport, dport := c.client, c.server, c.sport, c.dport
	if from == 1 {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b[0], b[8], b[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(data)))
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	binary.BigEndian.PutUint16(b[20:], sport)
	binary.BigEndian.PutUint16(b[22:], dport)
	binary.BigEndian.PutUint32(b[24:], c.seq[from])
	binary.BigEndian.PutUint32(b[28:], c.seq[1-from])
	b[32], b[33] = 5<<4, flags
	binary.BigEndian.PutUint16(b[34:], c.window[from])
	b = append(b, data...)
	c.seq[from] += uint32(len(data))
	if flags&(syn|fin) != 0 {
		c.seq[from]++
	}
	c.w.now += 50 * time.Microsecond
	if c.w.lost {
		return
	}
	c.w.in.Packet(&capture.Packet{Data: b, Length: len(b), Link: capture.LinkRaw, Time: c.w.since.Add(c.w.now).UnixNano()})
}

// dial opens a connection to port 80 of 192.0.2.last.
func (w *wire) dial(sport uint16, last byte) *call {
	c := &call{
		w: w, client: [4]byte{192, 0, 2, 100}, server: [4]byte{192, 0, 2, last}, sport: sport, dport: 80,
		seq: [2]uint32{1000, 2000}, window: [2]uint16{65535, 65535},
	}
	c.packet(0, syn, "")
	c.packet(1, syn|ack, "")
	c.packet(0, ack, "")
	return c
}

// wait lets time pass.
func (w *wire) wait(d time.Duration) { w.now += d }

// get sends a request with more fields, and its response.
func (c *call) get(host, request, response string) {
	c.packet(0, ack, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, request))
	c.packet(1, ack, response)
	c.packet(0, ack, "")
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// close closes in order, from one side.
func (c *call) close(from int) {
	c.packet(from, fin|ack, "")
	c.packet(1-from, fin|ack, "")
	c.packet(from, ack, "")
}
