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
	now, first := time.Now(), ""
	if log.WantsFields() {
		line, lines, _ := strings.Cut(string(head), "\r\n") // the request line is no field
		first = line
		for lines != "" && lines != "\r\n" {
			var name string
			var values []string
			name, values, lines = cutField(lines)
			log.WroteField(name, values, now)
		}
	}
	log.Emit(&trace.Event{Kind: trace.HeadWritten, Time: now, Bytes: int64(len(head)), Value: first})
}

// cutField takes the first field of lines, with the values of those right behind it
// that have the same name.
func cutField(lines string) (name string, values []string, rest string) {
	for rest = lines; ; {
		line, after, _ := strings.Cut(rest, "\r\n")
		n, value, ok := strings.Cut(line, ": ")
		if !ok && len(values) == 0 {
			return n, nil, after
		}
		if !ok || len(values) > 0 && n != name {
			return name, values, rest
		}
		name, values, rest = n, append(values, value), after
	}
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
