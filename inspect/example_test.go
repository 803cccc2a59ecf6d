package inspect_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"time"

	"sonde/inspect"
)

func addrPort(a [4]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(a), port)
}

// Three requests, each on a connection of its own, as the client asked.
func closing() *wire {
	w := newWire(inspect.Config{})
	for n := range uint16(3) {
		c := w.dial(4000+n, 1)
		c.get("example.com", "Connection: close\r\n", fine)
		c.close(1)
	}
	return w
}

func Example() {
	in := closing().in // in.Packet(&p) was called for each packet
	report := in.Finish()
	os.Stdout.Write(report.AppendText(nil))
	// Output:
	// Connection reuse: client-asks-close (3 requests on 3 connections, at most 1 at once)
	//
	// seen      27 packets in 1.3 ms
	// to        192.0.2.1:80 (example.com) from 192.0.2.100: 3 requests on 3
	//           connections, at most 1 at once, first byte after 49 µs (99%: 49 µs)
	//
	// cause 1   client-asks-close (client)
	// evidence  192.0.2.1:80: 2 of 3 connections were opened in the place of one on
	//           which the client had said Connection: close.
	// fix       Leave out Connection: close: in net/http no Request.Close and no
	//           Transport.DisableKeepAlives; in a reverse proxy, HTTP/1.1 and an empty
	//           Connection field to the upstream.
}

func ExampleVerdict() {
	v := closing().in.Finish().Verdict
	v.Causes[0].Fix = "…"
	b, _ := json.Marshal(v)
	fmt.Println(string(b))
	// Output: {"healthy":false,"requests":3,"connections":3,"peak":1,"causes":[{"cause":"client-asks-close","side":"client","evidence":"192.0.2.1:80: 2 of 3 connections were opened in the place of one on which the client had said Connection: close.","fix":"…"}],"certain":true}
}

func ExampleCause() {
	for _, c := range closing().in.Finish().Verdict.Causes {
		fmt.Println(c.Cause, "by the", c.Side)
	}
	// Output: client-asks-close by the client
}

func ExampleName() {
	v := closing().in.Finish().Verdict
	fmt.Println(v.Causes[0].Cause == inspect.ClientAsksClose)
	// Output: true
}

func ExampleReport() {
	r := closing().in.Finish()
	for _, c := range r.Conns {
		fmt.Println(string(c.AppendText(nil)))
	}
	fmt.Println(r.End.Sub(r.Start), r.Forgotten)
	// Output:
	// 1 192.0.2.100:4000 > 192.0.2.1:80 HTTP/1.1: 1 request, 56 and 40 bytes, handshake 50 µs, ended by the server (FIN), TIME_WAIT at the server, 300 µs old
	// 2 192.0.2.100:4001 > 192.0.2.1:80 HTTP/1.1: 1 request, 56 and 40 bytes, handshake 50 µs, ended by the server (FIN), TIME_WAIT at the server, 300 µs old
	// 3 192.0.2.100:4002 > 192.0.2.1:80 HTTP/1.1: 1 request, 56 and 40 bytes, handshake 50 µs, ended by the server (FIN), TIME_WAIT at the server, 300 µs old
	// 1.3ms 0
}

func ExampleSegment() {
	w := newWire(inspect.Config{Segments: 4}) // as many of each connection
	c := w.dial(4000, 1)
	c.get("example.com", "", fine)
	conn := w.in.Finish().Conns[0]
	for _, s := range conn.Segments {
		fmt.Println(s.Number, s.From, s.Flags, s.Bytes, s.Request)
	}
	// Output:
	// 1 client S 0 1
	// 2 server S. 0 1
	// 3 client . 0 1
	// 4 client . 37 1
}

func ExampleConn() {
	c := closing().in.Finish().Conns[1]
	fmt.Println(c.Why)
	// Output: in the place of one that the client asked to close
}

func ExampleRequest() {
	x := closing().in.Finish().Conns[0].Exchanges[0]
	fmt.Println(x.Method, x.Target, x.Status, x.End.Sub(x.Start))
	// Output: GET / 200 50µs
}

func ExampleEnd() {
	e := closing().in.Finish().Conns[0].End
	fmt.Println(e.First, e.How, e.TimeWait)
	// Output: server FIN server
}

func ExampleSide() {
	b, _ := json.Marshal([]inspect.Side{inspect.Client, inspect.Server, inspect.Between})
	fmt.Println(string(b))
	// Output: ["client","server","between"]
}

func ExampleHow() {
	fmt.Println(inspect.Open, inspect.FIN, inspect.RST, inspect.Refused, inspect.Gone)
	// Output: open FIN RST refused gone
}

func ExampleTraffic() {
	c := closing().in.Finish().Conns[0]
	fmt.Println(c.Sent, c.Received)
	// Output: {56 5 0} {40 4 0}
}

func ExampleSaid() {
	c := closing().in.Finish().Conns[0]
	fmt.Println(c.Said == inspect.Said{}) // the client said nothing
	// Output: true
}

func ExampleOrigin() {
	o := closing().in.Finish().Origins[0]
	fmt.Println(o.Server, o.Names, o.Requests, o.Conns, o.Avoidable)
	// Output: 192.0.2.1:80 [example.com] 3 3 2
}

func ExampleSnapshot() {
	s := closing().in.Snapshot(10)
	fmt.Println(s.Requests, s.Conns, s.InFlight, len(s.Origins))
	// Output: 3 3 0 1
}

func ExampleWitnesses() {
	fmt.Printf("%+v\n", closing().in.Finish().Witnesses)
	// Output: {Packets:27 Looks:0 Events:0 Dropped:0}
}

func ExampleConfig() {
	w := newWire(inspect.Config{
		Conns:  10,
		Server: func(a netip.AddrPort) bool { return a.Port() == 443 },
	})
	w.dial(4000, 1).get("example.com", "", fine) // port 80
	fmt.Println(w.in.Finish().Verdict.Connections)
	// Output: 0
}

func ExampleInspector() {
	w := newWire(inspect.Config{})
	c := w.dial(4000, 1)
	for range 3 {
		c.get("example.com", "", fine)
		w.wait(time.Second)
	}
	v := w.in.Finish().Verdict
	fmt.Println(v.Healthy, v.Requests, v.Connections)
	// Output: true 3 1
}
