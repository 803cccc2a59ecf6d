package nethttp

import (
	"io"
	"net/http"
	"net/http/httputil"

	"sonde"
)

// tunnelBody is the connection after a 101: the caller's, who reads and writes.
type tunnelBody struct{ *sonde.UpgradedConn }

// connectBody is the response's body after a 2xx to CONNECT: what comes through the
// tunnel, or no more of it than the response's fields announce.
type connectBody struct {
	io.Reader
	conn *sonde.UpgradedConn
}

// Close ends the tunnel.
func (b *connectBody) Close() error { return b.conn.Close() }

// tunnel hands the connection over.
func tunnel(req *http.Request, resp *http.Response, ex *sonde.Exchange) (*http.Response, error) {
	conn, err := ex.Upgrade()
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		resp.Body = overConnect(req, resp, conn)
	case hasToken(resp.Header["Connection"], "upgrade") && resp.Header["Upgrade"] != nil:
		resp.Body = tunnelBody{conn}
	default:
		conn.Close() // to what it has switched nobody knows
		resp.Body = http.NoBody
	}
	return resp, nil
}

// overConnect is the body of the response to a CONNECT, and sends the request's: as
// with net/http they are the two directions of the tunnel.
func overConnect(req *http.Request, resp *http.Response, conn *sonde.UpgradedConn) io.ReadCloser {
	b := &connectBody{Reader: conn, conn: conn}
	switch {
	case len(resp.TransferEncoding) > 0:
		b.Reader = httputil.NewChunkedReader(conn)
	case resp.ContentLength >= 0:
		b.Reader = io.LimitReader(conn, resp.ContentLength)
	}
	if body := req.Body; body != nil && body != http.NoBody {
		go func() {
			defer body.Close()
			if _, err := io.Copy(conn, body); err == nil {
				conn.CloseWrite()
			}
		}()
	}
	return b
}
