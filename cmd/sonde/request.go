package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sonde"
	"sonde/br"
	"sonde/zstd"
)

// requestFlags are the flags that say what to send, which mean what curl's mean.
type requestFlags struct {
	std      streams
	flags    *pflag.FlagSet
	command  string // that they belong to
	silent   bool   // no warnings
	method   string
	headers  []string
	data     []string
	upload   string
	headOnly bool
	insecure bool
	maxTime  float64
	location bool
	maxHops  int

	compressed bool
	part       string

	auth authFlags
	retryFlags
	proxyFlags
	choice sonde.ProxyChoice // what those come down to
}

// addTo gives a command these flags.
func (r *requestFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	r.flags, r.command = f, "sonde "+cmd.Name()
	f.SortFlags = false
	f.StringVarP(&r.method, "request", "X", "", "use this `METHOD`")
	f.StringArrayVarP(&r.headers, "header", "H", nil, "send a `FIELD`; \"Name:\" leaves a default out, \"Name;\" is empty, @FILE has many")
	f.StringArrayVarP(&r.data, "data", "d", nil, "send a form with POST: `TEXT`, @FILE without its line ends, or @- for standard input")
	f.StringVarP(&r.upload, "upload-file", "T", "", "upload `FILE` with PUT, - for standard input; its name is added to a URL that ends with /")
	f.BoolVarP(&r.headOnly, "head", "I", false, "send HEAD")
	f.BoolVarP(&r.insecure, "insecure", "k", false, "accept any certificate")
	f.Float64VarP(&r.maxTime, "max-time", "m", 0, "take at most so many `SECONDS`")
	f.BoolVarP(&r.location, "location", "L", false, "follow redirects; credentials stay with their origin")
	f.IntVar(&r.maxHops, "max-redirs", 50, "follow at most `N`, -1 for any number")
	f.BoolVar(&r.compressed, "compressed", false, "ask for a compressed response (gzip, deflate, br, zstd) and decompress it")
	f.StringVarP(&r.part, "range", "r", "", "get a `RANGE` of bytes: 0-99, 100-, or -50 for the last ones")
	r.retryFlags.addTo(f)
	cmd.MarkFlagsMutuallyExclusive("data", "upload-file")
	cmd.MarkFlagsMutuallyExclusive("data", "head")
	cmd.MarkFlagsMutuallyExclusive("upload-file", "head")
	cmd.MarkFlagFilename("upload-file")
	r.auth.addTo(cmd)
	r.proxyFlags.addTo(cmd)
}

// config is that of a client for the request. Every status is accepted, and a
// body may pause as long as it likes.
func (r *requestFlags) config(req *prepared) sonde.Config {
	cfg := sonde.Config{
		Accept:   []sonde.Status{sonde.AnyStatus},
		Timeouts: sonde.Timeouts{Call: time.Duration(r.maxTime * float64(time.Second)), BodyIdle: -1},
		Proxy:    r.choice,
	}
	switch {
	case !r.location:
		cfg.Redirects.Max = -1
	case r.maxHops < 0:
		cfg.Redirects.Max = math.MaxInt
	case r.maxHops == 0: // the first one is one too many
		cfg.Redirects.Policy = func(*sonde.Redirect) error { return sonde.ErrTooManyRedirects }
	default:
		cfg.Redirects.Max = r.maxHops
	}
	if r.retries > 0 {
		cfg.Retry, cfg.RetryBudget = r.retry(req.Method()), -1 // it is one request, not a client's many
	}
	if r.compressed {
		cfg.Codings = []sonde.Coding{br.Coding{}, zstd.Coding{}}
	}
	if r.insecure {
		cfg.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	return cfg
}

func oneURL(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("a URL is missing")
	case 1:
		return nil
	}
	return fmt.Errorf("one URL at a time: %q is one too many", args[1])
}

// prepared is a request.
type prepared struct {
	*sonde.Request
	once bool // its body cannot be had again
}

// request makes the request that the flags describe.
func (r *requestFlags) request(rawURL string) (*prepared, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	rawURL = withScheme(rawURL)
	u, err := httpURL(rawURL)
	if err != nil {
		return nil, err
	}
	if r.choice, err = r.proxyChoice(); err != nil {
		return nil, err
	}
	p := &prepared{}
	method, body, hasBody := sonde.GET, sonde.Body{}, true
	switch {
	case r.headOnly:
		method, hasBody = sonde.HEAD, false
	case r.flags.Changed("upload-file"):
		p.once = r.upload == "-"
		method = sonde.PUT
		rawURL = uploadURL(u, r.upload)
		body, err = r.uploadBody()
	case r.data != nil:
		method = sonde.POST
		body, err = r.form()
	default:
		hasBody = false
	}
	if err != nil {
		return nil, err
	}
	if r.method != "" {
		method = sonde.Method(r.method)
	}
	auth, err := r.authenticator(u)
	if err != nil {
		return nil, err
	}
	header, err := r.header(u, auth == nil)
	if err != nil {
		return nil, err
	}
	opts := []sonde.Option{sonde.WithExactHeader(header)}
	if auth != nil {
		opts = append(opts, sonde.WithAuth(auth))
	}
	if hasBody {
		opts = append(opts, sonde.WithBody(body))
	}
	if r.compressed {
		opts = append(opts, sonde.WithDecoding())
	}
	p.Request = sonde.NewRequest(method, rawURL, opts...)
	if err := p.Err(); err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

// check finds what is wrong with the numbers.
func (r *requestFlags) check() error {
	switch {
	case r.maxTime < 0:
		return &usageError{errors.New("--max-time must not be negative")}
	case r.maxHops < -1:
		return &usageError{errors.New("--max-redirs must be a number of redirects, or -1 for any")}
	}
	return r.retryFlags.check()
}

// httpURL is rawURL, which must be one for requests.
func httpURL(rawURL string) (*url.URL, error) {
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
	return u, nil
}

// form is the body of all -d together.
func (r *requestFlags) form() (sonde.Body, error) {
	var all []byte
	for i, d := range r.data {
		if i > 0 {
			all = append(all, '&')
		}
		name, fromFile := strings.CutPrefix(d, "@")
		if !fromFile {
			all = append(all, d...)
			continue
		}
		content, err := r.readInput(name)
		if err != nil {
			return sonde.Body{}, err
		}
		for _, b := range content {
			if b != '\r' && b != '\n' && b != 0 { // as curl does
				all = append(all, b)
			}
		}
	}
	return sonde.Bytes(all), nil
}

// uploadBody is the body of -T, which is not read into memory.
func (r *requestFlags) uploadBody() (sonde.Body, error) {
	if r.upload == "-" {
		return sonde.Reader(&inputReader{r.std.in}, -1), nil
	}
	f, err := os.Open(r.upload) // a missing file is to be told before connecting
	if err != nil {
		return sonde.Body{}, &inputError{err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &os.PathError{Op: "read", Path: r.upload, Err: errors.New("is a directory")}
	}
	if err != nil {
		return sonde.Body{}, &inputError{err}
	}
	return sonde.File(r.upload), nil
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
func (r *requestFlags) header(u *url.URL, ownCredentials bool) (sonde.Header, error) {
	given, err := r.given(r.headers)
	if err != nil {
		return sonde.Header{}, err
	}
	var h sonde.Header
	byDefault := func(name, value string) {
		if !given.named[strings.ToLower(name)] {
			err = errors.Join(err, h.Add(name, value))
		}
	}
	if u.User != nil && ownCredentials {
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
	if r.compressed {
		byDefault("Accept-Encoding", "gzip, deflate, br, zstd")
	}
	if r.part != "" {
		part := r.part
		if strings.Trim(part, "0123456789") == "" {
			part += "-" // as curl has it
		}
		byDefault("Range", "bytes="+part)
	}
	if r.data != nil {
		byDefault("Content-Type", "application/x-www-form-urlencoded")
	}
	return h, err
}

// givenFields are those of -H: what to send, and what not to send by default.
type givenFields struct {
	fields [][2]string
	named  map[string]bool // in lower case
}

func (r *requestFlags) given(lines []string) (*givenFields, error) {
	g := &givenFields{named: map[string]bool{}}
	for _, line := range lines {
		name, fromFile := strings.CutPrefix(line, "@")
		if !fromFile {
			r.add(g, line)
			continue
		}
		content, err := r.readInput(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(content)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				r.add(g, line)
			}
		}
	}
	return g, nil
}

// add understands one field as curl does.
func (r *requestFlags) add(g *givenFields, line string) {
	name, value, colon := strings.Cut(line, ":")
	if value = strings.TrimSpace(value); colon && value == "" {
		if g.named[strings.ToLower(name)] = true; strings.EqualFold(name, "Host") {
			r.warn("Host cannot be left out")
		}
		return
	}
	if !colon {
		empty := false
		if name, empty = strings.CutSuffix(line, ";"); !empty {
			r.warn("-H %q has no colon and is not sent", line)
			return
		}
	}
	g.named[strings.ToLower(name)] = true
	g.fields = append(g.fields, [2]string{name, value})
}

// warn tells of what is odd but no error.
func (r *requestFlags) warn(format string, args ...any) {
	if !r.silent {
		fmt.Fprintln(r.std.err, r.command+": warning: "+printable(fmt.Sprintf(format, args...)))
	}
}

// usageError is the error of an argument.
type usageError struct{ error }

// readInput is the content of a file, or of standard input for "-".
func (r *requestFlags) readInput(name string) ([]byte, error) {
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(r.std.in)
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, &inputError{err}
	}
	return data, nil
}

// withScheme is rawURL with http:// where it has no scheme.
func withScheme(rawURL string) string {
	if strings.Contains(rawURL, "://") {
		return rawURL
	}
	return "http://" + rawURL
}
