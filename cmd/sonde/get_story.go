package main

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"

	"sonde"
	"sonde/trace"
)

// story tells what happens, as curl -v does: * what is done, > what is sent, <
// what comes. A nil story tells nothing.
type story struct {
	sent []string // fields of the head that is on its way, from the hooks

	mu sync.Mutex
	to io.Writer
}

func newStory(to io.Writer) *story { return &story{to: to} }

func (s *story) say(mark, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.to, strings.TrimRight(mark+" "+printable(fmt.Sprintf(format, args...)), " "))
}

// Record is for the client.
func (s *story) Record(e trace.Event) {
	switch e.Kind {
	case trace.DNSDone:
		if e.Err == nil && len(e.Addrs()) > 0 {
			s.say("*", "%s is at %s", e.Host(), strings.Trim(fmt.Sprint(e.Addrs()), "[]"))
		}
	case trace.ConnectStart:
		s.say("*", "Trying %v", e.Remote())
	case trace.ConnectDone:
		if e.Err != nil {
			s.say("*", "Not connected to %v: %v", e.Remote(), e.Err)
		} else {
			s.say("*", "Connected to %v from %v", e.Remote(), e.Local())
		}
	case trace.ProxyChosen:
		s.say("*", "Through the proxy %s", e.Host())
	case trace.ProxyDone:
		if e.Err == nil && e.Name() != "" {
			s.say("*", "The proxy leads to %s", e.Name())
		}
	case trace.TLSDone:
		if e.Err == nil {
			s.say("*", "%s, ALPN %s", tls.VersionName(e.TLSVersion()), orNone(e.Proto()))
		}
	case trace.HeadWritten:
		s.say(">", "%s", e.Value())
		for _, field := range s.sent {
			s.say(">", "%s", field)
		}
		s.say(">", "")
		s.sent = nil
	case trace.BodyWritten:
		if e.Bytes > 0 {
			s.say("*", "%d bytes of body sent", e.Bytes)
		}
	case trace.Retry:
		s.say("*", "Sent again: %v", e.Err)
	case trace.ConnPut:
		s.say("*", "The connection could be used again")
	case trace.ConnClosed:
		if e.Reason != trace.ClosedByUser {
			s.say("*", "Connection closed: %v", e.Reason)
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// hooks tell the request's head as it is sent, with secrets: they are the user's.
func (s *story) hooks() *trace.Hooks {
	return &trace.Hooks{
		WroteHeaderField: func(name string, values []string) {
			s.sent = append(s.sent, name+": "+strings.Join(values, ", "))
		},
	}
}

// head tells the head of a response.
func (s *story) head(h *sonde.Head) {
	if s == nil {
		return
	}
	for _, line := range headLines(h) {
		s.say("<", "%s", line)
	}
	s.say("<", "")
}

// tls tells whom TLS has proved the server to be.
func (s *story) tls(conn sonde.ConnInfo) {
	if s == nil || conn.TLS == nil || len(conn.TLS.PeerCertificates) == 0 {
		return
	}
	cert := conn.TLS.PeerCertificates[0]
	proved := "verified"
	if len(conn.TLS.VerifiedChains) == 0 {
		proved = "NOT verified"
	}
	s.say("*", "%s; certificate of %v by %v until %s, %s", tls.CipherSuiteName(conn.TLS.CipherSuite),
		cert.Subject, cert.Issuer, cert.NotAfter.Format("2006-01-02"), proved)
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
