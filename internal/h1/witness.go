package h1

import (
	"errors"
	"strings"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/trace"
)

// wroteHead tells log of a request head that has left, given its bytes, and those as
// a text if that was made already. at is a reading of the clock; 0: now.
func wroteHead(log *event.Log, at int64, head []byte, text string) {
	if !log.On() {
		return
	}
	if at == 0 {
		at = clock.Now()
	}
	now := clock.At(at)
	if text == "" {
		text = string(head)
	}
	first, lines, _ := strings.Cut(text, "\r\n") // the request line is no field
	if log.WantsFields() {
		for lines != "" && lines != "\r\n" {
			var name, value string
			var more []string
			name, value, more, lines = cutField(lines)
			log.WroteField(name, value, more, now)
		}
	}
	log.Emit(&trace.Event{Kind: trace.HeadWritten, Time: now, Bytes: int64(len(head)), Value: first})
}

// cutField takes the first field of lines, with the values of those right behind it
// that have the same name.
func cutField(lines string) (name, value string, more []string, rest string) {
	line, rest, _ := strings.Cut(lines, "\r\n")
	name, value, _ = strings.Cut(line, ": ")
	for {
		line, after, _ := strings.Cut(rest, "\r\n")
		n, next, ok := strings.Cut(line, ": ")
		if !ok || n != name {
			return name, value, more, rest
		}
		more, rest = append(more, next), after
	}
}

// wroteRequest tells log that sending the request, with a body of n bytes, is
// over. at is a reading of the clock; 0: now.
func wroteRequest(log *event.Log, at int64, hasBody bool, n int64, err error) {
	if !log.On() {
		return
	}
	if at == 0 {
		at = clock.Now()
	}
	now := clock.At(at)
	if hasBody {
		log.Emit(&trace.Event{Kind: trace.BodyWritten, Time: now, Bytes: n, Err: err})
	}
	log.Emit(&trace.Event{Kind: trace.RequestWritten, Time: now, Err: err})
}

// tellHead tells of the final response's head. Where it was there at once, it
// came when its first byte did; otherwise the clock is read.
func (x *exchange) tellHead() {
	call := x.call
	if !call.Log.On() {
		return
	}
	call.Told = call.FirstByte
	if !x.prompt || x.up != nil { // an upload has events of its own meanwhile
		call.Told = clock.Now()
	}
	call.Log.Emit(&trace.Event{
		Kind: trace.HeadRead, Time: clock.At(call.Told), Status: call.Head.Status, Bytes: int64(x.headLen),
	})
}

var errNotRead = errors.New("the body was not read to its end")

// tellBody tells of the end of the response's body, which may have come with the
// head, and of its trailer.
func (x *exchange) tellBody() {
	call, err := x.call, x.failure
	if f, ok := err.(*fault.Fault); ok {
		err = f.Err
	} else if !x.done {
		err = errNotRead
	}
	if x.whole == nil || x.up != nil {
		call.Told = clock.Now()
	}
	at := clock.At(call.Told)
	call.Log.Emit(&trace.Event{Kind: trace.BodyRead, Time: at, Bytes: x.got, Err: err})
	if !call.Log.WantsFieldEvents() {
		return
	}
	for name, value := range x.Trailer().All() {
		call.Log.Emit(&trace.Event{Kind: trace.TrailerRead, Time: at, Name: name, Value: trace.Redact(name, value)})
	}
}
