package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"sonde/internal/clock"
	"sonde/internal/message"
	"sonde/internal/socket"
)

// The numbers of RFC 1928 and RFC 1929.
const (
	socksVersion   = 5
	methodNone     = 0
	methodPassword = 2
	methodRefused  = 0xff
	passwordVer    = 1
	commandConnect = 1
	typeIPv4       = 1
	typeName       = 3
	typeIPv6       = 4
)

// replies are the texts of RFC 1928 §6.
var replies = [...]string{
	1: "general SOCKS server failure", 2: "connection not allowed by ruleset",
	3: "network unreachable", 4: "host unreachable", 5: "connection refused",
	6: "TTL expired", 7: "command not supported", 8: "address type not supported",
}

// SOCKS5 asks the SOCKS proxy p at the other end of sock, or of secure above it,
// to connect to host, a name or an IP address. It reads no byte beyond the
// proxy's reply. Until, a reading of the clock, bounds it; ctx ends it at once.
func SOCKS5(ctx context.Context, p *message.Proxy, sock *socket.Conn, secure *tls.Conn, host string, port uint16, until int64) error {
	var call socket.Call
	sock.Begin(&call, ctx, until, clock.Now())
	var conn io.ReadWriter = sock
	if secure != nil {
		conn = secure
	}
	err := socks5(conn, p, host, port)
	if err != nil {
		if cause := sock.Cause(); cause != nil {
			err = cause
		}
		sock.Kill()
		sock.End()
		return err
	}
	if !sock.End() {
		if err = socket.ContextError(ctx); err == nil {
			err = net.ErrClosed
		}
		return err
	}
	sock.SetDeadline(time.Time{})
	return nil
}

func socks5(conn io.ReadWriter, p *message.Proxy, host string, port uint16) error {
	request, err := appendRequest(nil, host, port)
	if err != nil {
		return err
	}
	if err := login(conn, p); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return readReply(conn, p)
}

// login agrees on a method, and shows user and password if the proxy chooses so.
func login(conn io.ReadWriter, p *message.Proxy) error {
	offer := []byte{socksVersion, 1, methodNone}
	if p.HasUser {
		// RFC 1929 §2: each has a length of one byte, from 1 to 255.
		if len(p.User) == 0 || len(p.User) > 255 || len(p.Password) > 255 {
			return errors.New("a user and a password for SOCKS have 1 to 255 bytes")
		}
		offer = []byte{socksVersion, 2, methodNone, methodPassword}
	}
	if _, err := conn.Write(offer); err != nil {
		return err
	}
	var answer [2]byte
	if err := readFull(conn, answer[:]); err != nil {
		return err
	}
	switch {
	case answer[0] != socksVersion:
		return notSOCKS(answer[0])
	case answer[1] == methodNone:
		return nil
	case answer[1] == methodPassword && p.HasUser:
		return password(conn, p)
	case answer[1] == methodRefused && p.HasUser:
		return errors.New("it takes neither a user and password nor nobody")
	case answer[1] == methodRefused:
		return errors.New("it wants credentials")
	}
	return fmt.Errorf("it chose authentication method %d, which was not offered", answer[1])
}

// password is RFC 1929.
func password(conn io.ReadWriter, p *message.Proxy) error {
	login := append([]byte{passwordVer, byte(len(p.User))}, p.User...)
	login = append(append(login, byte(len(p.Password))), p.Password...)
	if _, err := conn.Write(login); err != nil {
		return err
	}
	var answer [2]byte
	if err := readFull(conn, answer[:]); err != nil {
		return err
	}
	// RFC 1929 §2: any status but 0 is a failure. Some servers send SOCKS's own
	// version here.
	if answer[0] != passwordVer && answer[0] != socksVersion {
		return notSOCKS(answer[0])
	}
	if answer[1] != 0 {
		return errors.New("it refused the user and password")
	}
	return nil
}

// appendRequest appends the request to connect to host.
func appendRequest(dst []byte, host string, port uint16) ([]byte, error) {
	dst = append(dst, socksVersion, commandConnect, 0)
	if ip, err := netip.ParseAddr(host); err == nil {
		// A zone means nothing to others.
		if ip = ip.Unmap().WithZone(""); ip.Is4() {
			dst = append(dst, typeIPv4)
		} else {
			dst = append(dst, typeIPv6)
		}
		dst = append(dst, ip.AsSlice()...)
	} else {
		if len(host) == 0 || len(host) > 255 {
			return nil, fmt.Errorf("a host name of %d bytes, SOCKS takes 1 to 255", len(host))
		}
		dst = append(append(dst, typeName, byte(len(host))), host...)
	}
	return append(dst, byte(port>>8), byte(port)), nil
}

// readReply reads the reply to the request, with the address in it, which says
// nothing to us.
func readReply(conn io.Reader, p *message.Proxy) error {
	var head [5]byte // the fifth is the first of the address, or its length
	if err := readFull(conn, head[:2]); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return notSOCKS(head[0])
	}
	if reply := int(head[1]); reply != 0 {
		return refused(p, reply)
	}
	if err := readFull(conn, head[2:]); err != nil {
		return err
	}
	left := 0 // of address and port
	switch head[3] {
	case typeIPv4:
		left = 4 - 1 + 2
	case typeIPv6:
		left = 16 - 1 + 2
	case typeName:
		left = int(head[4]) + 2
	default:
		return fmt.Errorf("its reply has an address of unknown type %d", head[3])
	}
	var rest [255 + 2]byte
	return readFull(conn, rest[:left])
}

func refused(p *message.Proxy, reply int) error {
	text := fmt.Sprintf("unassigned reply %d", reply)
	if reply < len(replies) {
		text = replies[reply]
	}
	return &Error{Proxy: p, Reply: reply, Err: errors.New(text)}
}

func notSOCKS(first byte) error {
	switch first {
	case 0, 4:
		return fmt.Errorf("it speaks SOCKS 4, not 5 (byte 0x%02x)", first)
	case 'H':
		return errors.New("it gave an HTTP answer to SOCKS: use http://")
	}
	return fmt.Errorf("byte 0x%02x is no answer by SOCKS 5", first)
}

// readFull reads exactly len(b) bytes.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("it closed the connection during the handshake: %w", io.ErrUnexpectedEOF)
	}
	return err
}
