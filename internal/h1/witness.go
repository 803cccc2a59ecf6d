package h1

import (
	"strings"
	"time"

	"sonde/internal/event"
	"sonde/trace"
)

// wroteHead tells log of a request head that has left, given its bytes.
func wroteHead(log *event.Log, head []byte) {
	if !log.On() {
		return
	}
	now := time.Now()
	if log.WantsFields() {
		_, lines, _ := strings.Cut(string(head), "\r\n") // the request line is no field
		for {
			line, rest, _ := strings.Cut(lines, "\r\n")
			name, value, ok := strings.Cut(line, ": ")
			if !ok {
				break
			}
			log.WroteField(name, value, now)
			lines = rest
		}
	}
	log.Emit(&trace.Event{Kind: trace.HeadWritten, Time: now, Bytes: int64(len(head))})
}

// wroteRequest tells log that sending the request, with a body of n bytes, is
// over.
func wroteRequest(log *event.Log, hasBody bool, n int64, err error) {
	if !log.On() {
		return
	}
	now := time.Now()
	if hasBody {
		log.Emit(&trace.Event{Kind: trace.BodyWritten, Time: now, Bytes: n, Err: err})
	}
	log.Emit(&trace.Event{Kind: trace.RequestWritten, Time: now, Err: err})
}
