package dial

import (
	"context"
	"crypto/tls"
	"net"

	"sonde/internal/event"
	"sonde/internal/message"
)

func baseTLS(c *tls.Config) *tls.Config { return c }
func (d *Dialer) connect(ctx context.Context, route message.Route, log *event.Log, t *Times) (net.Conn, error) {
	return nil, errNoConn
}
func (d *Dialer) secure(ctx context.Context, route message.Route, log *event.Log, r *Result) error {
	return errNoConn
}
