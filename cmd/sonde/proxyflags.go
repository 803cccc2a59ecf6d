package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sonde"
	"sonde/auth"
)

// proxyFlags are the flags that say which proxy to take, and how.
type proxyFlags struct {
	proxy     string
	user      string
	digest    bool
	basic     bool
	except    string
	socks5    string
	socks5h   string
	tunnel    bool
	headers   []string
	insecure  bool
	authority string // file
}

func (p *proxyFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&p.proxy, "proxy", "x", "", "go through the proxy at `URL`, http, https, socks5 or socks5h; \"\" for none, whatever the environment says")
	f.StringVarP(&p.user, "proxy-user", "U", "", "`USER:PASSWORD` for the proxy")
	f.BoolVar(&p.basic, "proxy-basic", false, "send them as Basic, unasked (the default)")
	f.BoolVar(&p.digest, "proxy-digest", false, "prove to know them by Digest")
	f.StringVar(&p.except, "noproxy", "", "reach these `HOSTS` directly, as NO_PROXY lists them; * for all")
	f.StringVar(&p.socks5, "socks5", "", "go through the SOCKS 5 proxy at `HOST[:PORT]`, names looked up here")
	f.StringVar(&p.socks5h, "socks5-hostname", "", "go through the SOCKS 5 proxy at `HOST[:PORT]`, which looks names up")
	f.BoolVarP(&p.tunnel, "proxytunnel", "p", false, "have the proxy make a tunnel (CONNECT) to http origins too")
	f.StringArrayVar(&p.headers, "proxy-header", nil, "send a `FIELD` to the proxy alone, or those of @FILE")
	f.BoolVar(&p.insecure, "proxy-insecure", false, "accept any certificate of an https proxy")
	f.StringVar(&p.authority, "proxy-cacert", "", "trust the certificates in `FILE` (PEM) for an https proxy, instead of the system's")
	cmd.MarkFlagsMutuallyExclusive("proxy", "socks5", "socks5-hostname")
	cmd.MarkFlagsMutuallyExclusive("proxy-basic", "proxy-digest")
	cmd.MarkFlagFilename("proxy-cacert")
}

// proxyURLError is the error of a proxy's URL.
type proxyURLError struct{ error }

func (e *proxyURLError) Unwrap() error { return e.error }

// proxyChoice is what the flags say together.
func (r *requestFlags) proxyChoice() (sonde.ProxyChoice, error) {
	p := &r.proxyFlags
	cfg, err := r.proxyConfig()
	if err != nil {
		return sonde.ProxyChoice{}, err
	}
	choice := sonde.ProxyFromEnvironment(cfg)
	rawURL := p.proxy
	switch {
	case r.flags.Changed("proxy"):
	case p.socks5 != "":
		rawURL = "socks5://" + p.socks5
	case p.socks5h != "":
		rawURL = "socks5h://" + p.socks5h
	}
	switch {
	case rawURL != "":
		one, err := namedProxy(rawURL, cfg)
		if err != nil {
			return choice, &proxyURLError{err}
		}
		choice = sonde.FixedProxy(one)
	case r.flags.Changed("proxy"):
		choice = sonde.NoProxy()
	}
	if r.flags.Changed("noproxy") {
		choice = choice.Except(p.except)
	} else if list := cmp.Or(os.Getenv("no_proxy"), os.Getenv("NO_PROXY")); rawURL != "" && list != "" {
		choice = choice.Except(list) // curl heeds it, whoever names the proxy
	}
	return choice, nil
}

// namedProxy is the proxy of a flag. As with curl, one without a scheme speaks HTTP,
// and one without a port listens on 1080.
func namedProxy(rawURL string, cfg sonde.ProxyConfig) (*sonde.Proxy, error) {
	if !strings.Contains(rawURL, "://") {
		rawURL = "http://" + rawURL
	}
	if u, err := url.Parse(rawURL); err == nil && u.Port() == "" && u.Scheme == "http" && u.Hostname() != "" {
		u.Host = strings.TrimSuffix(u.Host, ":") + ":1080"
		rawURL = u.String()
	}
	if strings.HasPrefix(strings.ToLower(rawURL), "socks") { // what is for HTTP alone has no meaning there
		cfg = sonde.ProxyConfig{User: cfg.User}
	}
	return sonde.NewProxy(rawURL, cfg)
}

// urlUser is the user of --proxy, nil if there is none.
func (p *proxyFlags) urlUser() *url.Userinfo {
	rawURL := p.proxy
	if !strings.Contains(rawURL, "://") {
		rawURL = "http://" + rawURL
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil // NewProxy says what is wrong with it
	}
	return u.User
}

// proxyConfig is what the flags say beside the URL.
func (r *requestFlags) proxyConfig() (sonde.ProxyConfig, error) {
	p := &r.proxyFlags
	cfg := sonde.ProxyConfig{Tunnel: p.tunnel}
	if name, password, _ := strings.Cut(p.user, ":"); r.flags.Changed("proxy-user") {
		cfg.User = url.UserPassword(name, password)
	}
	if p.digest {
		user := cmp.Or(cfg.User, p.urlUser())
		if user == nil {
			return cfg, &usageError{errors.New("--proxy-digest needs --proxy-user, or a user in the URL of --proxy")}
		}
		password, _ := user.Password()
		cfg.Auth = auth.Digest(user.Username(), password)
	}
	given, err := r.given(p.headers)
	if err != nil {
		return cfg, err
	}
	for _, f := range given.fields {
		if err := cfg.Header.Add(f[0], f[1]); err != nil {
			return cfg, &usageError{fmt.Errorf("--proxy-header: %w", err)}
		}
	}
	if cfg.TLS, err = p.tls(); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// tls is what there is to say of TLS with the proxy, nil for nothing.
func (p *proxyFlags) tls() (*tls.Config, error) {
	if !p.insecure && p.authority == "" {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: p.insecure}
	if p.authority == "" {
		return c, nil
	}
	text, err := os.ReadFile(p.authority)
	if err != nil {
		return nil, &authorityError{err}
	}
	if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, &authorityError{fmt.Errorf("no certificate in %s", p.authority)}
	}
	return c, nil
}

// authorityError is the error of a file of certificates.
type authorityError struct{ error }

func (e *authorityError) Unwrap() error { return e.error }
