package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"sonde"
	"sonde/auth"
)

// authFlags are the flags that say who asks, and how that is proved.
type authFlags struct {
	user      string
	basic     bool
	digest    bool
	any       bool
	netrc     bool
	netrcFile string
	bearer    string
	aws       string
}

func (a *authFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&a.user, "user", "u", "", "`USER:PASSWORD` for the server of the URL, and for no other after a redirect")
	f.BoolVar(&a.basic, "basic", false, "send them as Basic, unasked (the default)")
	f.BoolVar(&a.digest, "digest", false, "prove to know them by Digest")
	f.BoolVar(&a.any, "anyauth", false, "wait for what the server asks for, Digest or Basic")
	short := "n"
	if cmd.Name() == "trace" { // whose -n counts requests
		short = ""
	}
	f.BoolVarP(&a.netrc, "netrc", short, false, "take them from $NETRC or ~/.netrc")
	f.StringVar(&a.netrcFile, "netrc-file", "", "take them from `FILE`, written like .netrc")
	f.StringVar(&a.bearer, "oauth2-bearer", "", "send a `TOKEN` as Bearer")
	f.StringVar(&a.aws, "aws-sigv4", "", "sign by AWS Signature 4, as `aws:amz[:REGION[:SERVICE]]`, with -u KEY:SECRET")
	cmd.MarkFlagsMutuallyExclusive("basic", "digest", "anyauth", "oauth2-bearer", "aws-sigv4")
	cmd.MarkFlagsMutuallyExclusive("user", "netrc")
	cmd.MarkFlagsMutuallyExclusive("user", "netrc-file")
	cmd.MarkFlagFilename("netrc-file")
}

// scheme is how a name and a password are used.
func (a *authFlags) scheme() func(user, password string) sonde.Authenticator {
	switch {
	case a.digest:
		return auth.Digest
	case a.any:
		return func(user, password string) sonde.Authenticator {
			return auth.Any(auth.Digest(user, password), auth.Basic(user, password))
		}
	}
	return auth.Basic
}

// authenticator is what the flags come down to for u; nil: the URL's own
// credentials do.
func (r *requestFlags) authenticator(u *url.URL) (sonde.Authenticator, error) {
	a := &r.auth
	user, password, given := strings.Cut(a.user, ":")
	if given = given || r.flags.Changed("user"); !given && u.User != nil {
		user = u.User.Username()
		password, _ = u.User.Password()
	}
	switch {
	case a.aws != "":
		return a.signature(user, password)
	case a.bearer != "":
		return auth.Bearer(a.bearer), nil
	case given, u.User != nil && (a.digest || a.any):
		return a.scheme()(user, password), nil
	case a.netrc || a.netrcFile != "":
		n, err := auth.ReadNetrc(a.netrcFile)
		if err != nil {
			return nil, &inputError{err}
		}
		if n.Exposed {
			r.warn("others may read the netrc file: its mode should be 0600")
		}
		return n.With(a.scheme()), nil
	}
	return nil, nil
}

// signature reads what --aws-sigv4 says.
func (a *authFlags) signature(key, secret string) (sonde.Authenticator, error) {
	part := strings.Split(a.aws, ":")
	switch {
	case !strings.EqualFold(part[0], "aws") || len(part) > 1 && !strings.EqualFold(part[1], "amz"):
		return nil, &usageError{fmt.Errorf("--aws-sigv4 %q: only the provider aws:amz is known", a.aws)}
	case len(part) > 4:
		return nil, &usageError{fmt.Errorf("--aws-sigv4 %q is not aws:amz[:REGION[:SERVICE]]", a.aws)}
	case key == "" || secret == "":
		return nil, &usageError{errors.New("--aws-sigv4 needs the keys: -u KEY:SECRET")}
	}
	part = append(part, "", "", "", "")
	return auth.AWS4{AccessKey: key, SecretKey: secret, Region: part[2], Service: part[3]}, nil
}
