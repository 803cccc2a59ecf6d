package tlsrec

import (
	"crypto/x509"
	"time"
)

// Certificate is who a certificate is for, and who says so.
type Certificate struct {
	Subject, Issuer string // common names
	Names           []string
	NotAfter        time.Time
}

// maxCertificates is how many certificates of a chain are read; maxNames how
// many names of each are kept.
const (
	maxCertificates = 8
	maxNames        = 100
)

// ParseCertificates reads the body of a Certificate message: of TLS 1.3, where it
// is encrypted on the wire, or of an older version. One that cannot be read is
// left out. Nothing is verified.
func ParseCertificates(body []byte, version uint16) (all []Certificate) {
	r := &reader{b: body, ok: true}
	if version >= 0x0304 {
		r.vector(1) // request context
	}
	for list := r.sub(3); list.more() && len(all) < maxCertificates; {
		der := list.vector(3)
		if version >= 0x0304 {
			list.vector(2) // extensions
		}
		c, err := x509.ParseCertificate(der)
		if !list.ok || err != nil {
			continue
		}
		names := c.DNSNames
		for _, ip := range c.IPAddresses {
			names = append(names, ip.String())
		}
		all = append(all, Certificate{
			Subject:  c.Subject.CommonName,
			Issuer:   c.Issuer.CommonName,
			Names:    names[:min(len(names), maxNames)],
			NotAfter: c.NotAfter,
		})
	}
	return all
}
