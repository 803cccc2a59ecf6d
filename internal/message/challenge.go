package message

import "strings"

// Challenge is a challenge of an authentication scheme (RFC 9110 §11.3), as
// WWW-Authenticate and Proxy-Authenticate list them.
type Challenge struct {
	Scheme string           // in lower case
	Token  string           // the token68, "" if it has parameters instead
	Params []ChallengeParam // in their order
}

// ChallengeParam is an auth-param: its name in lower case, its value unquoted.
type ChallengeParam struct{ Name, Value string }

// Param returns the value of the first parameter of that name, "" if there is
// none.
func (c *Challenge) Param(name string) string {
	for _, p := range c.Params {
		if equalFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// maxChallenges bounds what is kept of a response's challenges, and maxParams
// what is kept of one: nobody asks for more in earnest.
const maxChallenges, maxParams = 32, 64

// Challenges returns the challenges of all lines with that name, in their order.
// One that cannot be read is left out, and takes none of the others with it.
func (f Fields) Challenges(name string) []Challenge {
	var all []Challenge
	for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
		all = appendChallenges(all, f.give(f.value(i)))
	}
	return all
}

// appendChallenges reads one field line.
//
// RFC 9110 §11.6.1: the commas between challenges are the same as those between
// the parameters of one. A member that begins with a token and a space, or is no
// more than a token, begins a challenge; one with "=" after its token is a
// parameter of the challenge before it.
func appendChallenges(all []Challenge, list string) []Challenge {
	open := false // the last challenge of all takes parameters
	for list != "" {
		var member string
		if member, list = CutMember(list); member == "" {
			continue
		}
		word, rest := cutToken(member)
		rest = trimOWS(rest)
		switch {
		case word == "":
			all, open = unreadable(all, open), false
		case strings.HasPrefix(rest, "="):
			if open && !all[len(all)-1].add(member) {
				all, open = unreadable(all, open), false
			}
		case len(all) == maxChallenges:
			return all
		case rest != "" && len(member) == len(word)+len(rest): // no space between
			all, open = unreadable(all, open), false
		default:
			c := Challenge{Scheme: strings.ToLower(word)}
			if open = true; rest != "" && !c.add(rest) {
				if open = false; !isToken68(rest) {
					continue
				}
				c.Token = rest
			}
			all = append(all, c)
		}
	}
	return all
}

// unreadable drops the challenge that is being read, if there is one.
func unreadable(all []Challenge, open bool) []Challenge {
	if open {
		return all[:len(all)-1]
	}
	return all
}

// add reads one parameter: token BWS "=" BWS ( token / quoted-string ). Unquoted
// values with characters that a token has not, as addresses have, are taken: some
// servers send them.
func (c *Challenge) add(s string) bool {
	name, rest := cutToken(s)
	rest, found := strings.CutPrefix(trimOWS(rest), "=")
	value := trimOWS(rest)
	if name == "" || !found || value == "" {
		return false
	}
	switch {
	case value[0] == '"':
		if quotedLen(value) != len(value) {
			return false
		}
		value = unquote(value)
	case strings.Trim(value, "=") == "" || strings.ContainsAny(value, "\" \t"):
		return false
	}
	if len(c.Params) < maxParams {
		c.Params = append(c.Params, ChallengeParam{strings.ToLower(name), value})
	}
	return true
}

// Param returns a parameter of a list of them without a scheme, as
// Authentication-Info has it (RFC 7615 §3).
func Param(list, name string) (value string, ok bool) {
	for list != "" {
		var member string
		member, list = CutMember(list)
		var c Challenge
		if c.add(member) && equalFold(c.Params[0].Name, name) {
			return c.Params[0].Value, true
		}
	}
	return "", false
}

// cutToken splits a token off the start of s.
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && tchar.has(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// isToken68 reports whether s is one (RFC 9110 §11.2).
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !alnum && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return s != ""
}
