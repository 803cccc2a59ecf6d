package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sonde"
)

// prepared is a request with what -v says of it.
type prepared struct {
	*sonde.Request
	header sonde.Header // all that is set
	length int64        // of the body; -1: not known, or none
	body   bool
}

// request makes the request that the flags describe.
func (c *getCommand) request(rawURL string, upload bool) (*prepared, error) {
	rawURL = withScheme(rawURL)
	if err := sonde.NewRequest(sonde.GET, rawURL).Err(); err != nil {
		return nil, &urlError{err}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, &urlError{err}
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, &schemeError{u.Scheme}
	}
	p := &prepared{length: -1}
	method, body := sonde.GET, sonde.Body{}
	switch {
	case c.headOnly:
		method = sonde.HEAD
	case upload:
		method, p.body = sonde.PUT, true
		rawURL = uploadURL(u, c.upload)
		body, p.length, err = c.uploadBody()
	case c.data != nil:
		method, p.body = sonde.POST, true
		body, p.length, err = c.form()
	}
	if err != nil {
		return nil, err
	}
	if c.method != "" {
		method = sonde.Method(c.method)
	}
	header, err := c.header(u)
	if err != nil {
		return nil, err
	}
	p.header = header
	opts := []sonde.Option{sonde.WithExactHeader(header)}
	if p.body {
		opts = append(opts, sonde.WithBody(body))
	}
	p.Request = sonde.NewRequest(method, rawURL, opts...)
	if err := p.Err(); err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

// form is the body of all -d together.
func (c *getCommand) form() (sonde.Body, int64, error) {
	var all []byte
	for i, d := range c.data {
		if i > 0 {
			all = append(all, '&')
		}
		name, fromFile := strings.CutPrefix(d, "@")
		if !fromFile {
			all = append(all, d...)
			continue
		}
		content, err := c.readInput(name)
		if err != nil {
			return sonde.Body{}, 0, err
		}
		for _, b := range content {
			if b != '\r' && b != '\n' && b != 0 { // as curl does
				all = append(all, b)
			}
		}
	}
	return sonde.Bytes(all), int64(len(all)), nil
}

// uploadBody is the body of -T, which is not read into memory.
func (c *getCommand) uploadBody() (sonde.Body, int64, error) {
	if c.upload == "-" {
		return sonde.Reader(&inputReader{c.std.in}, -1), -1, nil
	}
	f, err := os.Open(c.upload) // a missing file is to be told before connecting
	if err != nil {
		return sonde.Body{}, 0, &inputError{err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &os.PathError{Op: "read", Path: c.upload, Err: errors.New("is a directory")}
	}
	if err != nil {
		return sonde.Body{}, 0, &inputError{err}
	}
	if !info.Mode().IsRegular() {
		return sonde.File(c.upload), -1, nil
	}
	return sonde.File(c.upload), info.Size(), nil
}

// uploadURL is where a file goes: one that names no file gets the file's name.
func uploadURL(u *url.URL, file string) string {
	if file == "-" || u.Path != "" && !strings.HasSuffix(u.Path, "/") {
		return u.String()
	}
	to := *u
	if to.Path == "" {
		to.Path = "/"
	}
	return to.JoinPath(url.PathEscape(filepath.Base(file))).String()
}

// header is the fields to send, exactly: the defaults and what -H says.
func (c *getCommand) header(u *url.URL) (sonde.Header, error) {
	given, err := c.given()
	if err != nil {
		return sonde.Header{}, err
	}
	var h sonde.Header
	byDefault := func(name, value string) {
		if !given.named[strings.ToLower(name)] {
			err = errors.Join(err, h.Add(name, value))
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		byDefault("Authorization", "Basic "+basic(u.User.Username(), password))
	}
	byDefault("User-Agent", "sonde/"+sonde.Version)
	byDefault("Accept", "*/*")
	for _, f := range given.fields {
		if ferr := h.Add(f[0], f[1]); ferr != nil {
			return h, &usageError{fmt.Errorf("-H: %w", ferr)}
		}
	}
	if c.data != nil {
		byDefault("Content-Type", "application/x-www-form-urlencoded")
	}
	return h, err
}

// givenFields are those of -H: what to send, and what not to send by default.
type givenFields struct {
	fields [][2]string
	named  map[string]bool // in lower case
}

func (c *getCommand) given() (*givenFields, error) {
	g := &givenFields{named: map[string]bool{}}
	for _, line := range c.headers {
		name, fromFile := strings.CutPrefix(line, "@")
		if !fromFile {
			c.add(g, line)
			continue
		}
		content, err := c.readInput(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(content)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				c.add(g, line)
			}
		}
	}
	return g, nil
}

// add understands one field as curl does.
func (c *getCommand) add(g *givenFields, line string) {
	name, value, colon := strings.Cut(line, ":")
	if value = strings.TrimSpace(value); colon && value == "" {
		if g.named[strings.ToLower(name)] = true; strings.EqualFold(name, "Host") {
			c.warn("Host cannot be left out")
		}
		return
	}
	if !colon {
		empty := false
		if name, empty = strings.CutSuffix(line, ";"); !empty {
			c.warn("-H %q has no colon and is not sent", line)
			return
		}
	}
	g.named[strings.ToLower(name)] = true
	g.fields = append(g.fields, [2]string{name, value})
}
