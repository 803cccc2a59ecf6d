// Package httpview shows the HTTP exchanges in a capture: requests paired with
// their responses, over HTTP/1 and HTTP/2, in clear or, given the secrets,
// inside of TLS.
//
//	v := httpview.New(httpview.Config{
//		Exchange: func(x *httpview.Exchange) { fmt.Printf("%s\n", x.AppendText(nil)) },
//	})
//	for ... {
//		p.Decode(link, data)
//		v.Packet(&p, at)
//	}
//	v.Close()
//
// A [View] sees what was sent, not what should have been: it accepts what a
// strict parser would refuse, as long as it can tell where a message ends, and
// says what was wrong with it. Bodies are counted and not kept. Credentials are
// replaced by "[redacted]" before anybody sees them, unless the Config says
// otherwise; everything else is as the peers sent it, and what prints it escapes
// it, as AppendText and AppendJSON do.
package httpview

// Contract of this package: packets in, exchanges out, on the caller's
// goroutine. No I/O, no clock. What a peer sends is bounded: heads by maxHead
// and maxFields, requests without a response by maxPending and maxStreams.
