package h1

import (
	"bytes"

	"sonde/internal/event"
	"sonde/trace"
)

// wroteHead tells log of a request head that has left, given its bytes.
func wroteHead(log *event.Log, head []byte) {
	if !log.On() {
		return
	}
	if log.WantsFields() {
		_, lines, _ := bytes.Cut(head, crlf) // the request line is no field
		for {
			line, rest, _ := bytes.Cut(lines, crlf)
			name, value, ok := bytes.Cut(line, []byte(": "))
			if !ok {
				break
			}
			log.WroteField(string(name), string(value))
			lines = rest
		}
	}
	log.Emit(trace.Event{Kind: trace.HeadWritten, Bytes: int64(len(head))})
}

var crlf = []byte("\r\n")

// wroteRequest tells log that sending the request, with a body of n bytes, is
// over.
func wroteRequest(log *event.Log, hasBody bool, n int64, err error) {
	if !log.On() {
		return
	}
	if hasBody {
		log.Emit(trace.Event{Kind: trace.BodyWritten, Bytes: n, Err: err})
	}
	log.Emit(trace.Event{Kind: trace.RequestWritten, Err: err})
}
