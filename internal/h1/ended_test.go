package h1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"sonde/trace"
)

func TestEnded(t *testing.T) {
	system := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, err)}
	}
	for _, tt := range []struct {
		err  error
		want trace.Reason
	}{
		{io.EOF, trace.ServerClosed},
		{io.ErrUnexpectedEOF, trace.ServerClosed}, // within a record of TLS
		{system("read", syscall.ECONNRESET), trace.ServerClosed},
		{system("write", syscall.EPIPE), trace.ServerClosed},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, trace.TLSAlert},
		{&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, trace.TLSAlert},
		{tls.RecordHeaderError{Msg: "no record"}, trace.TLSAlert},
	} {
		if got := ended(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}
