package cookie

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The format: a line per cookie, with seven fields between tabs: domain, whether
// subdomains get it (then the domain begins with a dot), path, whether it is
// Secure, the seconds since 1970 at which it expires or 0, name, value. HttpOnly
// is a prefix that other readers take for a comment.

const (
	netscapeHead = "# Netscape HTTP Cookie File\n# https://curl.se/docs/http-cookies.html\n# Written by sonde.\n\n"
	httpOnlyMark = "#HttpOnly_"
	setCookie    = "set-cookie:"
)

func writeNetscape(w *bufio.Writer, all []*entry) {
	w.WriteString(netscapeHead)
	for _, e := range all {
		if strings.Contains(e.Name+e.Value+e.Path, "\t") {
			continue
		}
		if e.HTTPOnly {
			w.WriteString(httpOnlyMark)
		}
		dot, expires := ".", int64(0)
		if e.HostOnly {
			dot = ""
		}
		if e.Persistent() {
			expires = e.Expires.Unix()
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\t%d\t%s\t%s\n", dot, e.Domain, flag(!e.HostOnly), e.Path,
			flag(e.Secure), expires, e.Name, e.Value)
	}
}

func flag(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

// readNetscape reads all lines, or fails at the first that is wrong.
func (j *Jar) readNetscape(data []byte, now time.Time) ([]Cookie, error) {
	var out []Cookie
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		c, err := j.readLine(line, now)
		if err != nil {
			return nil, &LineError{n, err}
		}
		if c.Domain != "" {
			out = append(out, c)
		}
	}
	return out, nil
}

// readLine reads one line; a cookie without a domain is none.
func (j *Jar) readLine(line string, now time.Time) (Cookie, error) {
	if len(line) >= len(setCookie) && strings.EqualFold(line[:len(setCookie)], setCookie) {
		return j.readField(line[len(setCookie):], now)
	}
	rest, httpOnly := strings.CutPrefix(line, httpOnlyMark)
	if strings.Trim(rest, " \t") == "" || !httpOnly && line[0] == '#' {
		return Cookie{}, nil
	}
	c, err := netscapeCookie(rest)
	c.HTTPOnly = httpOnly
	return c, err
}

// netscapeCookie reads the fields of a line.
func netscapeCookie(line string) (c Cookie, err error) {
	f := strings.SplitN(line, "\t", 7)
	// curl reads files whose path is missing, and so do we.
	if len(f) >= 5 && (f[2] == "TRUE" || f[2] == "FALSE") {
		f = append([]string{f[0], f[1], "/"}, strings.SplitN(line, "\t", 6)[2:]...)
	}
	if len(f) == 6 { // an empty value, without its tab
		f = append(f, "")
	}
	if len(f) != 7 {
		return c, fmt.Errorf("%d fields between tabs, not 7", len(f))
	}
	tail, err := readFlag("the second field", f[1])
	if err != nil {
		return c, err
	}
	if c.Secure, err = readFlag("the field for Secure", f[3]); err != nil {
		return c, err
	}
	seconds, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil || seconds < 0 {
		return c, errors.New("the time of expiry is no number of seconds")
	}
	if seconds > 0 {
		c.Expires = time.Unix(min(seconds, 1<<40), 0)
	}
	host, _, ok := canonicalHost(strings.TrimPrefix(f[0], "."))
	if !ok {
		return c, errors.New("the domain is no host")
	}
	c.Domain, c.HostOnly, c.Path, c.Name, c.Value = host, !tail, f[2], f[5], f[6]
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = "/"
	}
	return c, nil
}

func readFlag(what, s string) (bool, error) {
	switch strings.ToUpper(s) {
	case "TRUE":
		return true, nil
	case "FALSE":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither TRUE nor FALSE", what)
}

// readField reads a Set-Cookie field. It has no URL that it came from, so its
// Domain must say whose it is.
func (j *Jar) readField(value string, now time.Time) (Cookie, error) {
	r, ok := parse(trim(value))
	if !ok {
		return Cookie{}, errors.New("no Set-Cookie field that could be kept")
	}
	host, ip, ok := canonicalHost(r.domain)
	if !ok {
		return Cookie{}, errors.New("a Set-Cookie field without a Domain that is a host")
	}
	c, ok := j.receive(&target{host: host, ip: ip, site: j.site(host, ip), path: "/", secure: true}, &r, now)
	if !ok {
		return Cookie{}, nil
	}
	return c, nil
}
