package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"sonde/trace"
)

// picture shows the first request and, beside it, the others.
func (t *tracer) picture() {
	if t.first == nil {
		return
	}
	w := newWaterfall(t.flags.std.out)
	w.show(t.first)
	if t.packets != nil {
		w.packets(t.packets, t.first)
	}
	if len(t.others) > 0 {
		fmt.Fprintln(w.to)
		w.compare(&t.first.Timeline, t.others)
	}
	if t.last != nil {
		fmt.Fprintf(w.to, "\n%s\n", w.paint.bad(fmt.Sprintf("Request %d failed:", len(t.others)+2)))
		w.show(t.last)
	}
}

// show shows one request.
func (w *waterfall) show(one *traced) {
	w.title(one)
	fmt.Fprintln(w.to)
	w.draw(&one.Timeline)
	fmt.Fprintln(w.to)
	w.facts(one)
}

func (w *waterfall) title(one *traced) {
	fmt.Fprintln(w.to, w.paint.title(wrap(oneLine(one.Method+" "+one.URL), w.width, "")))
	if one.head == nil {
		return
	}
	status := fmt.Sprintf("%v %d %s", one.head.Proto, int(one.head.Status), one.head.Reason())
	color := w.paint.good
	if one.head.Status >= 400 {
		color = w.paint.bad
	}
	if n := len(one.Attempts); n > 0 {
		status = interim(&one.Attempts[n-1]) + status
	}
	fmt.Fprintln(w.to, color(wrap(oneLine(status), w.width, "")))
}

// interim is the statuses that came before the one of an attempt that counts.
func interim(a *trace.Attempt) string {
	text := ""
	for _, s := range a.Interim {
		text += fmt.Sprintf("%d, ", s)
	}
	return text
}

// facts says what the bars do not.
func (w *waterfall) facts(one *traced) {
	if len(one.Attempts) == 0 {
		return
	}
	a := &one.Attempts[len(one.Attempts)-1]
	switch {
	case a.Conn == 0:
	case a.Reused:
		w.line("reused", fmt.Sprintf("connection %d, idle for %s", a.Conn, millis(a.Idle)))
	default:
		w.line("new", fmt.Sprintf("connection %d: %s", a.Conn, a.Opened))
	}
	if a.Local.IsValid() {
		w.line("address", fmt.Sprintf("%v to %v", a.Local, a.Remote))
	}
	if a.Proxy != "" {
		w.line("proxy", a.Proxy)
	}
	if one.tls != nil {
		w.tls(one.tls, a)
	}
	if a.HeadWritten > 0 {
		w.line("sent", sizes(a.HeadWritten, a.BodyWritten))
	}
	if a.HeadRead > 0 {
		got := sizes(a.HeadRead, a.BodyRead)
		if a.Codings != "" {
			got += fmt.Sprintf(", decoded (%s) %s", a.Codings, exactSize(a.BodyDecoded))
		}
		w.line("received", got)
	}
	if kernel := one.kernel.String(); kernel != "" {
		w.line("kernel", kernel)
	}
	switch {
	case a.Closed != trace.NoReason && a.Closed != trace.ClosedByUser:
		w.line("closed", a.Closed.String())
	case a.Conn != 0 && a.Err == nil && one.Done:
		w.line("kept", "the connection can be used again")
	}
}

func sizes(head, body int64) string {
	return fmt.Sprintf("head %d B, body %s", head, exactSize(body))
}

// exactSize is n in bytes and, if that is hard to read, in something larger.
func exactSize(n int64) string {
	if n < 10_000 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%d B (%s)", n, size(n))
}

// tls says what the handshake agreed on, and whom it proved the server to be.
func (w *waterfall) tls(s *tls.ConnectionState, a *trace.Attempt) {
	if s.Version != 0 {
		session := "new session"
		if s.DidResume {
			session = "resumed session"
		}
		w.line("tls", fmt.Sprintf("%s, %s, ALPN %s, %s", tls.VersionName(s.Version),
			tls.CipherSuiteName(s.CipherSuite), orNone(s.NegotiatedProtocol), session))
	}
	if len(s.PeerCertificates) == 0 {
		return
	}
	cert := s.PeerCertificates[0]
	text := fmt.Sprintf("%s, by %s, until %s (%s)", certificateNames(cert), issuer(cert),
		cert.NotAfter.UTC().Format("2006-01-02"), expiry(time.Until(cert.NotAfter)))
	if len(s.VerifiedChains) > 0 {
		text += ", verified"
	} else {
		text += ", NOT verified"
	}
	w.line("peer", text)
}

// certificateNames are a few of the names that a certificate is for.
func certificateNames(cert *x509.Certificate) string {
	names := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		names = append(names[:len(names):len(names)], net.IP(ip).String())
	}
	if len(names) == 0 {
		return orNone(cert.Subject.CommonName)
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// issuer is who has signed a certificate.
func issuer(cert *x509.Certificate) string {
	name := strings.Join(cert.Issuer.Organization, ", ") + " " + cert.Issuer.CommonName
	return orNone(strings.TrimSpace(name))
}

func expiry(left time.Duration) string {
	days := int(left.Hours() / 24)
	switch {
	case left < 0:
		return "EXPIRED"
	case days == 0:
		return "today"
	}
	return plural(days, "day")
}
