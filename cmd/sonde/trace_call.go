package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"sonde"
	"sonde/har"
	"sonde/trace"
	"sonde/trace/otlp"
)

// tracer sends requests and keeps what is to be shown of them.
type tracer struct {
	flags    *traceCommand
	req      *prepared
	client   *sonde.Client
	recorder trace.Recorder
	packets  *packetWatch // nil where packets cannot be seen, or need not
	har      *har.Recorder
	written  func() error // the transcript's error
	show     *progress

	first  *traced
	last   *traced          // if that is another one, and failed
	others []trace.Timeline // in full only for --otlp
}

// traced is a request as it went.
type traced struct {
	trace.Timeline
	head   *sonde.Head // nil: there was none
	tls    *tls.ConnectionState
	kernel *kernelWatch
	err    error
}

// requests sends them until one fails.
func (t *tracer) requests(ctx context.Context) error {
	for i := range t.flags.n {
		one := t.request(ctx)
		t.packets.note(i+1, &one.Timeline)
		switch {
		case i == 0:
			t.first = one
		case one.err != nil:
			t.last = one
		default:
			t.others = append(t.others, one.Timeline)
		}
		if one.err != nil {
			return one.err
		}
		if t.flags.n > 1 {
			t.show.update("%d of %d requests", i+1, t.flags.n)
		}
	}
	return nil
}

// request sends one.
func (t *tracer) request(ctx context.Context) *traced {
	t.recorder.Reset()
	one := &traced{kernel: new(kernelWatch)}
	done := t.accompany(one)
	ctx = trace.With(ctx, &trace.Hooks{
		Event: func(e trace.Event) {
			if e.Kind == trace.AttemptStart { // the facts are those of the last one
				one.tls = nil
				one.kernel.follow(nil)
			}
		},
		GotConn:         func(i trace.GotConnInfo) { one.kernel.follow(i.Conn) },
		GotResponseHead: func(int) { one.kernel.look() }, // the connection may end with the body
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if one.tls = &state; err != nil {
				one.tls = rejected(err)
			}
		},
	})
	one.err = t.client.Stream(ctx, t.req.Request, func(ex *sonde.Exchange) error {
		head := ex.Head
		one.head, one.tls = &head, ex.ConnInfo().TLS
		_, err := io.Copy(io.Discard, ex.Body)
		one.kernel.look()
		return err
	})
	done()
	for _, line := range trace.Timelines(t.recorder.Events()) {
		one.Timeline = line // there is one
	}
	return one
}

// rejected is what is known of a TLS handshake that failed for the server's
// certificate.
func rejected(err error) *tls.ConnectionState {
	var bad *tls.CertificateVerificationError
	if !errors.As(err, &bad) {
		return nil
	}
	return &tls.ConnectionState{PeerCertificates: bad.UnverifiedCertificates}
}

// accompany looks at the socket now and then while a request is under way, and
// tells how long it has been. What it returns ends that.
func (t *tracer) accompany(one *traced) (done func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		start := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			one.kernel.look()
			if took := time.Since(start); took > time.Second && t.flags.n == 1 && !t.flags.events && !t.flags.json {
				t.show.update("%s, %.0f s", t.now(), took.Seconds())
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// now says what a request is doing.
func (t *tracer) now() string {
	lines := trace.Timelines(t.recorder.Events())
	if len(lines) == 0 || len(lines[0].Attempts) == 0 {
		return "beginning"
	}
	attempts := lines[0].Attempts
	doing := "between attempts"
	for _, s := range attempts[len(attempts)-1].Spans {
		if s.Cut {
			doing = s.Phase.String()
		}
	}
	return doing
}

// exportTime bounds how long a collector may take.
const exportTime = 10 * time.Second

// export sends what --otlp asks for.
func (t *tracer) export(ctx context.Context) error {
	if t.flags.otlp == "" {
		return nil
	}
	lines := append([]trace.Timeline{t.first.Timeline}, t.others...)
	if t.last != nil {
		lines = append(lines, t.last.Timeline)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTime)
	defer cancel()
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := otlp.Send(ctx, client, t.flags.otlp, "sonde trace", lines); err != nil {
		return fmt.Errorf("--otlp: %w", err)
	}
	return nil
}
