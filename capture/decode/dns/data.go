package dns

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// Type is what a record holds.
type Type uint16

// The types whose data is read.
const (
	TypeA     Type = 1
	TypeNS    Type = 2
	TypeCNAME Type = 5
	TypeSOA   Type = 6
	TypePTR   Type = 12
	TypeMX    Type = 15
	TypeTXT   Type = 16
	TypeAAAA  Type = 28
	TypeSRV   Type = 33
	TypeDNAME Type = 39
	TypeOPT   Type = 41
	TypeSVCB  Type = 64
	TypeHTTPS Type = 65
	TypeANY   Type = 255
	TypeCAA   Type = 257
)

var typeNames = map[Type]string{
	TypeA: "A", TypeNS: "NS", TypeCNAME: "CNAME", TypeSOA: "SOA", TypePTR: "PTR", TypeMX: "MX",
	TypeTXT: "TXT", TypeAAAA: "AAAA", TypeSRV: "SRV", TypeDNAME: "DNAME", TypeOPT: "OPT",
	TypeSVCB: "SVCB", TypeHTTPS: "HTTPS", TypeANY: "ANY", TypeCAA: "CAA",
	13: "HINFO", 29: "LOC", 35: "NAPTR", 37: "CERT", 43: "DS", 44: "SSHFP", 46: "RRSIG",
	47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 99: "SPF",
	250: "TSIG", 251: "IXFR", 252: "AXFR",
}

// String returns the type's name, or "TYPE" and the number (RFC 3597).
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// Class is IN but for curiosities; of multicast DNS, the top bit means "flush
// the cache" or "answer me alone".
type Class uint16

// String returns the class's name, or "CLASS" and the number.
func (c Class) String() string {
	switch c & 0x7fff {
	case 1:
		return "IN"
	case 3:
		return "CH"
	case 4:
		return "HS"
	case 254:
		return "NONE"
	case 255:
		return "ANY"
	}
	return "CLASS" + strconv.Itoa(int(c))
}

// appendData appends the data at b[at:end] of r in presentation form. Data that
// is not what its type promises is shown as of an unknown one.
func appendData(dst, b []byte, at, end int, r *Record) []byte {
	n := len(dst)
	if dst, ok := known(dst, b[:end], at, r); ok {
		return dst
	}
	// RFC 3597, section 5.
	dst = append(dst[:n], `\# `...)
	dst = strconv.AppendInt(dst, int64(end-at), 10)
	if end > at {
		dst = hex.AppendEncode(append(dst, ' '), b[at:end])
	}
	return dst
}

// known appends the data of the types that are known. b ends with the data.
func known(dst, b []byte, at int, r *Record) ([]byte, bool) {
	d := b[at:]
	switch r.Type {
	case TypeA, TypeAAAA:
		a, ok := netip.AddrFromSlice(d)
		if !ok || a.Is4() != (r.Type == TypeA) {
			return dst, false
		}
		return a.AppendTo(dst), true
	case TypeNS, TypeCNAME, TypePTR, TypeDNAME:
		return names(dst, b, at, 1)
	case TypeMX:
		return numbers(dst, b, at, 1)
	case TypeSRV:
		return numbers(dst, b, at, 3)
	case TypeSVCB, TypeHTTPS:
		return service(dst, b, at)
	case TypeSOA:
		return soa(dst, b, at)
	case TypeTXT, 99:
		return texts(dst, d)
	case TypeCAA:
		return caa(dst, d)
	case TypeOPT:
		return opt(dst, r), true
	}
	return dst, false
}

// names appends n names that fill the data.
func names(dst, b []byte, at, n int) (_ []byte, ok bool) {
	for i := range n {
		if i > 0 {
			dst = append(dst, ' ')
		}
		var err error
		if dst, at, err = appendName(dst, b, at); err != nil {
			return dst, false
		}
	}
	return dst, at == len(b)
}

// numbers appends n 16-bit numbers and a name.
func numbers(dst, b []byte, at, n int) ([]byte, bool) {
	if len(b) < at+2*n {
		return dst, false
	}
	for range n {
		dst = strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(b[at:])), 10)
		dst = append(dst, ' ')
		at += 2
	}
	return names(dst, b, at, 1)
}

func soa(dst, b []byte, at int) ([]byte, bool) {
	if len(b) < at+20 {
		return dst, false
	}
	tail := b[len(b)-20:]
	dst, ok := names(dst, b[:len(b)-20], at, 2)
	if !ok {
		return dst, false
	}
	for ; len(tail) > 0; tail = tail[4:] {
		dst = strconv.AppendUint(append(dst, ' '), uint64(binary.BigEndian.Uint32(tail)), 10)
	}
	return dst, true
}

// texts appends character strings, quoted.
func texts(dst, d []byte) ([]byte, bool) {
	for i := 0; len(d) > 0; i++ {
		n := int(d[0])
		if len(d) < 1+n {
			return dst, false
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = quote(dst, d[1:1+n])
		d = d[1+n:]
	}
	return dst, true
}

func quote(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		if c == ' ' || c == '.' {
			dst = append(dst, c)
			continue
		}
		dst = appendChar(dst, c)
	}
	return append(dst, '"')
}

func caa(dst, d []byte) ([]byte, bool) {
	if len(d) < 2 || len(d) < 2+int(d[1]) {
		return dst, false
	}
	end := 2 + int(d[1])
	tag, value := d[2:end], d[end:]
	dst = append(strconv.AppendUint(dst, uint64(d[0]), 10), ' ')
	for _, c := range tag {
		dst = appendChar(dst, c)
	}
	return quote(append(dst, ' '), value), true
}

// opt appends what EDNS says in the record's own fields (RFC 6891).
func opt(dst []byte, r *Record) []byte {
	dst = append(dst, "udp="...)
	dst = strconv.AppendUint(dst, uint64(r.Class), 10)
	dst = append(dst, " version="...)
	dst = strconv.AppendUint(dst, uint64(r.TTL>>16&0xff), 10)
	if r.TTL&0x8000 != 0 {
		dst = append(dst, " do"...)
	}
	return dst
}

// svcKeys are the parameters of service bindings (RFC 9460, section 14.3.2).
var svcKeys = [...]string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"}

// service appends an SVCB or HTTPS record: priority, target and parameters.
func service(dst, b []byte, at int) (_ []byte, ok bool) {
	if len(b) < at+3 {
		return dst, false
	}
	dst = strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(b[at:])), 10)
	dst, at, err := appendName(append(dst, ' '), b, at+2)
	if err != nil {
		return dst, false
	}
	for d := b[at:]; len(d) > 0; {
		if len(d) < 4 {
			return dst, false
		}
		k, end := int(binary.BigEndian.Uint16(d)), 4+int(binary.BigEndian.Uint16(d[2:]))
		if len(d) < end {
			return dst, false
		}
		v := d[4:end]
		d = d[end:]
		dst = append(dst, ' ')
		if k < len(svcKeys) {
			dst = append(dst, svcKeys[k]...)
		} else {
			dst = strconv.AppendInt(append(dst, "key"...), int64(k), 10)
		}
		if len(v) > 0 {
			dst = svcValue(append(dst, '='), k, v)
		}
	}
	return dst, true
}

func svcValue(dst []byte, k int, v []byte) []byte {
	size := map[int]int{4: 4, 6: 16}[k]
	switch {
	case k == 1:
		for i := 0; len(v) > 0 && len(v) > int(v[0]); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			end := 1 + int(v[0])
			for _, c := range v[1:end] {
				dst = appendChar(dst, c)
			}
			v = v[end:]
		}
		return dst
	case k == 3 && len(v) == 2:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(v)), 10)
	case size > 0 && len(v)%size == 0:
		for i := 0; i < len(v); i += size {
			if i > 0 {
				dst = append(dst, ',')
			}
			a, _ := netip.AddrFromSlice(v[i : i+size])
			dst = a.AppendTo(dst)
		}
		return dst
	}
	return hex.AppendEncode(dst, v)
}
