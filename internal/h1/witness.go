package h1

import (
	"errors"
	"strings"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// wroteHead tells log of a request head that has left, given its bytes, and its words
// if those were made already. at is a reading of the clock; 0: now.
func wroteHead(log *event.Log, at int64, head []byte, words *message.Words) {
	if !log.On() {
		return
	}
	e := tellFields(log, at, head, words)
	log.Tell(&e)
	log.Flush()
}

// wroteInline tells log of a request that has left in one, its head being out[:head].
func wroteInline(log *event.Log, at int64, out []byte, head int, words *message.Words) {
	e := tellFields(log, at, out[:head], words)
	if len(out) > head {
		log.Tell(&e)
		e = event.Step{Kind: trace.BodyWritten, At: e.At, N: int64(len(out) - head)}
	}
	e.Then = trace.RequestWritten
	log.Tell(&e)
}

// tellFields tells of a head's fields, and returns what is to be told of the head.
func tellFields(log *event.Log, at int64, head []byte, words *message.Words) event.Step {
	if at == 0 {
		at = clock.Now()
	}
	if words == nil {
		words = message.NewWords(string(head))
	}
	if log.WantsFields() {
		for lines := words.Lines(); lines != "" && lines != "\r\n"; {
			var name, value string
			var more []string
			name, value, more, lines = cutField(lines)
			log.WroteField(name, value, more)
		}
	}
	if log.WantsFieldEvents() {
		fields := words.Fields()
		for i := range fields {
			log.Tell(&event.Step{Kind: trace.FieldWritten, At: at, Detail: &fields[i]})
		}
	}
	return event.Step{Kind: trace.HeadWritten, At: at, N: int64(len(head)), Detail: &words.Line}
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
	call.Log.Tell(&event.Step{Kind: trace.HeadRead, At: call.Told, Status: uint16(call.Head.Status), N: int64(x.headLen)})
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
	call.Log.Tell(&event.Step{Kind: trace.BodyRead, At: call.Told, N: x.got, Err: err})
	if !call.Log.WantsFieldEvents() {
		return
	}
	for name, value := range x.Trailer().All() {
		call.Log.Tell(&event.Step{Kind: trace.TrailerRead, At: call.Told, Detail: &trace.Detail{Name: name, Value: trace.Redact(name, value)}})
	}
}
