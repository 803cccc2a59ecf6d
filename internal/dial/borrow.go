package dial

import (
	"context"
	"net"
	"os"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/socket"
	"sonde/trace"
)

// borrow connects by the caller's own Dial. It hides nothing of the context: that
// function may use a net.Dialer, whose hooks its user expects, and nobody else
// tells of its look-ups.
func (d *Dialer) borrow(ctx context.Context, network, addr string, log *event.Log) (net.Conn, Times, error) {
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Custom: true, Network: network, Host: addr}})
	}
	start := clock.Now()
	conn, err := d.callDial(ctx, network, addr)
	if err == nil && network != "unix" {
		if err = d.judge(event.AddrPort(socket.Remote(conn))); err != nil {
			conn.Close()
		}
	}
	times := Times{Connect: since(start)}
	if log.On() {
		d := trace.Detail{Custom: true, Network: network, Host: addr}
		if err == nil {
			d.Local, d.Remote = event.AddrPort(socket.Local(conn)), event.AddrPort(socket.Remote(conn))
		}
		log.Emit(&trace.Event{Kind: trace.ConnectDone, Err: err, Detail: &d})
	}
	if err != nil {
		return nil, Times{}, fault.New(fault.Connect, err)
	}
	return conn, times, nil
}

// callDial calls Dial, and returns at the end of ctx or of the connect timeout
// even if Dial does not.
func (d *Dialer) callDial(ctx context.Context, network, addr string) (net.Conn, error) {
	if ctx.Done() == nil && d.connectTimeout <= 0 {
		return checked(d.dial(ctx, network, addr))
	}
	var inner context.Context
	var cancel context.CancelFunc
	if d.connectTimeout > 0 {
		inner, cancel = context.WithTimeout(ctx, d.connectTimeout)
	} else {
		inner, cancel = context.WithCancel(ctx)
	}
	defer cancel()
	result := make(chan outcome) // unbuffered, as in a race
	go func() {
		conn, err := checked(d.dial(inner, network, addr))
		select {
		case result <- outcome{conn: conn, err: err}:
		case <-inner.Done():
			if conn != nil {
				conn.Close()
			}
		}
	}()
	var o outcome
	select {
	case o = <-result:
		if o.err == nil {
			return o.conn, nil
		}
	case <-inner.Done():
	}
	// The clock of a net.Dialer within may be a moment ahead of the context's.
	if inner.Err() == nil && (!socket.IsTimeout(o.err) || contextEnd(inner) == nil) {
		return nil, o.err
	}
	end := contextEnd(ctx)
	if end == nil {
		end = os.ErrDeadlineExceeded
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: place{network, addr}, Err: end}
}

// checked holds a Dial to its contract.
func checked(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	if conn == nil {
		return nil, errNoConn
	}
	return conn, nil
}

// place is an address that only its Dial understands.
type place struct{ network, addr string }

func (p place) Network() string { return p.network }
func (p place) String() string  { return p.addr }
