package httpview

import (
	"net/netip"
	"strconv"
	"time"

	"sonde/capture/decode"
	"sonde/capture/decode/tlsrec"
	"sonde/capture/tlsplain"
)

// AppendText appends the exchange as one line, without a line feed and without
// the time, which is x.Start, or x.FirstByte if that is zero:
//
//	10.0.0.1.40000 > 10.0.0.2.80: GET http://example.com/ HTTP/1.1 -> 200 (612 bytes), first byte 1.2ms, end 2.3ms, conn 0 req 1
//
// A size behind the request is that of its body. All that came from the wire is
// escaped.
func (x *Exchange) AppendText(dst []byte) []byte {
	dst = appendEnds(dst, x.Client, x.Server)
	if x.Method == "" {
		dst = append(dst, '?')
	} else {
		dst = decode.AppendEscaped(dst, x.Method)
		dst = append(dst, ' ')
		dst = decode.AppendEscaped(dst, x.URL())
	}
	dst = append(dst, ' ')
	dst = decode.AppendEscaped(dst, x.Proto)
	if x.Pushed {
		dst = append(dst, " pushed"...)
	}
	if x.RequestBody > 0 {
		dst = appendSize(dst, x.RequestBody)
	}
	dst = append(dst, " -> "...)
	for _, s := range x.Informational {
		dst = append(strconv.AppendInt(dst, int64(s), 10), ' ')
	}
	if x.Status == 0 {
		dst = append(dst, '-')
	} else {
		dst = strconv.AppendInt(dst, int64(x.Status), 10)
		dst = appendSize(dst, x.ResponseBody)
	}
	if t, ok := x.TimeToFirstByte(); ok {
		dst = appendDuration(append(dst, ", first byte "...), t)
	}
	if t, ok := x.Duration(); ok {
		dst = appendDuration(append(dst, ", end "...), t)
	}
	dst = strconv.AppendInt(append(dst, ", conn "...), int64(x.Conn), 10)
	dst = strconv.AppendInt(append(dst, " req "...), int64(x.Request), 10)
	if x.Stream != 0 {
		dst = strconv.AppendUint(append(dst, " stream "...), uint64(x.Stream), 10)
	}
	if x.Missing > 0 {
		dst = append(strconv.AppendInt(append(dst, ", "...), x.Missing, 10), " bytes not captured"...)
	}
	if x.Problem != "" {
		dst = append(append(append(dst, " ["...), x.Problem...), ']')
	}
	return dst
}

// AppendText appends the connection as one line, without a line feed and without
// the time, which is u.First: its ends, and what TLS shows in clear, escaped.
func (u *Unread) AppendText(dst []byte) []byte {
	dst = appendEnds(dst, u.Client, u.Server)
	i := u.TLS
	dst = append(dst, "TLS"...)
	if i.Version != 0 {
		dst = append(dst[:len(dst)-3], tlsrec.VersionName(i.Version)...)
	}
	if i.ServerName != "" {
		dst = decode.AppendEscaped(append(dst, " to "...), i.ServerName)
	}
	if i.Protocol != "" {
		dst = decode.AppendEscaped(append(dst, " for "...), i.Protocol)
	}
	dst = appendSize(dst, i.Bytes[0])
	dst = append(dst, " ->"...)
	dst = appendSize(dst, i.Bytes[1])
	dst = appendDuration(append(dst, ", end "...), time.Duration(u.Last-u.First))
	dst = strconv.AppendInt(append(dst, ", conn "...), int64(u.Conn), 10)
	if i.Problem != "" {
		dst = append(append(append(dst, " ["...), i.Problem...), ']')
	}
	return dst
}

func appendEnds(dst []byte, from, to netip.AddrPort) []byte {
	dst = appendEnd(dst, from)
	dst = appendEnd(append(dst, " > "...), to)
	return append(dst, ": "...)
}

// appendEnd appends address and port as tcpdump does.
func appendEnd(dst []byte, a netip.AddrPort) []byte {
	dst = a.Addr().AppendTo(dst)
	return strconv.AppendUint(append(dst, '.'), uint64(a.Port()), 10)
}

func appendSize(dst []byte, n int64) []byte {
	dst = strconv.AppendInt(append(dst, " ("...), n, 10)
	if n == 1 {
		return append(dst, " byte)"...)
	}
	return append(dst, " bytes)"...)
}

// appendDuration appends a duration in milliseconds, with microseconds.
func appendDuration(dst []byte, d time.Duration) []byte {
	dst = strconv.AppendFloat(dst, float64(d)/1e6, 'f', 3, 64)
	return append(dst, "ms"...)
}

// AppendJSON appends the exchange as one JSON object, without a line feed. Times
// are in nanoseconds since the epoch; what is not known is left out.
func (x *Exchange) AppendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.number("conn", int64(x.Conn))
	o.number("request", int64(x.Request))
	o.known("stream", int64(x.Stream))
	o.text("client", x.Client.String())
	o.text("server", x.Server.String())
	o.text("proto", x.Proto)
	if x.TLS != nil {
		o.tls(x.TLS)
	}
	o.text("method", x.Method)
	o.text("url", x.URL())
	o.text("target", x.Target)
	o.text("host", x.Host)
	o.known("status", int64(x.Status))
	o.text("reason", x.Reason)
	if len(x.Informational) > 0 {
		o.key("informational")
		for i, s := range x.Informational {
			o.b = strconv.AppendInt(append(o.b, "[,"[min(i, 1)]), int64(s), 10)
		}
		o.b = append(o.b, ']')
	}
	o.fields("request_header", x.RequestHeader)
	o.fields("response_header", x.ResponseHeader)
	o.fields("request_trailer", x.RequestTrailer)
	o.fields("response_trailer", x.ResponseTrailer)
	o.number("request_head_bytes", x.RequestHead)
	o.number("request_body_bytes", x.RequestBody)
	o.number("response_head_bytes", x.ResponseHead)
	o.number("response_body_bytes", x.ResponseBody)
	o.known("missing_bytes", x.Missing)
	o.known("start", x.Start)
	o.known("sent", x.Sent)
	o.known("first_byte", x.FirstByte)
	o.known("end", x.End)
	if x.Pushed {
		o.key("pushed")
		o.b = append(o.b, "true"...)
	}
	o.text("problem", x.Problem)
	return append(o.b, '}')
}

// AppendJSON appends the connection as one JSON object, without a line feed.
func (u *Unread) AppendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.number("conn", int64(u.Conn))
	o.text("client", u.Client.String())
	o.text("server", u.Server.String())
	o.tls(u.TLS)
	o.number("request_bytes", u.TLS.Bytes[0])
	o.number("response_bytes", u.TLS.Bytes[1])
	o.known("start", u.First)
	o.known("end", u.Last)
	o.text("problem", u.TLS.Problem)
	return append(o.b, '}')
}

// object writes the members of a JSON object.
type object struct{ b []byte }

func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), `":`...)
}

func (o *object) number(name string, n int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

// known is number for what is left out when it is zero.
func (o *object) known(name string, n int64) {
	if n != 0 {
		o.number(name, n)
	}
}

func (o *object) text(name, s string) {
	if s != "" {
		o.key(name)
		o.b = decode.AppendJSON(o.b, s)
	}
}

func (o *object) fields(name string, fields []Field) {
	if len(fields) == 0 {
		return
	}
	o.key(name)
	for i, f := range fields {
		o.b = decode.AppendJSON(append(o.b, "[,"[min(i, 1)], '['), f.Name)
		o.b = append(decode.AppendJSON(append(o.b, ','), f.Value), ']')
	}
	o.b = append(o.b, ']')
}

func (o *object) tls(i *tlsplain.Info) {
	o.key("tls")
	in := object{append(o.b, '{')}
	in.text("server_name", i.ServerName)
	if i.Version != 0 {
		in.text("version", tlsrec.VersionName(i.Version))
	}
	if i.Cipher != 0 {
		in.text("cipher", tlsrec.CipherName(i.Cipher))
	}
	in.text("alpn", i.Protocol)
	o.b = append(in.b, '}')
}
