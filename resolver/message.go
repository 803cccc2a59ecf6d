package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// question is a message that asks for the records of host.
func question(host string, t dnsmessage.Type) (dnsmessage.Question, []byte, error) {
	if !strings.HasSuffix(host, ".") {
		host += "."
	}
	name, err := dnsmessage.NewName(host)
	if err != nil {
		return dnsmessage.Question{}, nil, fmt.Errorf("the name cannot be asked: %w", err)
	}
	q := dnsmessage.Question{Name: name, Type: t, Class: dnsmessage.ClassINET}
	m := dnsmessage.Message{
		// RFC 8484 §4.1: ID 0 makes the same question the same request, for caches.
		Header:    dnsmessage.Header{RecursionDesired: true},
		Questions: []dnsmessage.Question{q},
	}
	packed, err := m.Pack()
	if err != nil {
		return q, nil, fmt.Errorf("the name cannot be asked: %w", err)
	}
	return q, packed, nil
}

// result is what an answer says.
type result struct {
	code  dnsmessage.RCode
	addrs []netip.Addr
	ttl   time.Duration
}

// mostAliases bounds a chain of CNAMEs.
const mostAliases = 16

// records are those of an answer that matter.
type records struct {
	addrs   map[string][]netip.Addr // by the owner's name, in lower case
	aliases map[string]string
	ttl     map[string]uint32 // the shortest of an owner's records
}

// parse reads the answer to q.
func parse(message []byte, q dnsmessage.Question) (result, error) {
	var p dnsmessage.Parser
	head, err := p.Start(message)
	if err != nil {
		return result{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	if !head.Response {
		return result{}, errors.New("the answer is a question")
	}
	asked, err := p.AllQuestions()
	if err != nil {
		return result{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	if len(asked) != 1 || asked[0].Type != q.Type || asked[0].Class != q.Class || lower(asked[0].Name) != lower(q.Name) {
		return result{}, errors.New("the answer is to another question")
	}
	if head.RCode != dnsmessage.RCodeSuccess && head.RCode != dnsmessage.RCodeNameError {
		return result{code: head.RCode}, nil
	}
	all, err := readRecords(&p, q.Type)
	if err != nil {
		return result{}, fmt.Errorf("the answer cannot be read: %w", err)
	}
	r := result{code: head.RCode}
	name, shortest := lower(q.Name), ^uint32(0)
	for range mostAliases {
		if r.addrs = all.addrs[name]; r.addrs != nil && head.RCode == dnsmessage.RCodeSuccess {
			r.ttl = seconds(min(shortest, all.ttl[name]))
			return r, nil
		}
		next, isAlias := all.aliases[name]
		if !isAlias {
			break
		}
		shortest = min(shortest, all.ttl[name])
		name = next
	}
	r.addrs = nil
	// RFC 2308 §5: the zone's SOA says how long there is nothing.
	r.ttl = seconds(min(shortest, negative(&p)))
	return r, nil
}

// readRecords reads the answer section.
func readRecords(p *dnsmessage.Parser, t dnsmessage.Type) (*records, error) {
	all := &records{addrs: map[string][]netip.Addr{}, aliases: map[string]string{}, ttl: map[string]uint32{}}
	for {
		h, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		owner := lower(h.Name)
		switch {
		case h.Class != dnsmessage.ClassINET || h.Type != t && h.Type != dnsmessage.TypeCNAME:
			if err = p.SkipAnswer(); err == nil {
				continue
			}
		case h.Type == dnsmessage.TypeA:
			var a dnsmessage.AResource
			if a, err = p.AResource(); err == nil {
				all.addrs[owner] = append(all.addrs[owner], netip.AddrFrom4(a.A))
			}
		case h.Type == dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			if a, err = p.AAAAResource(); err == nil {
				all.addrs[owner] = append(all.addrs[owner], netip.AddrFrom16(a.AAAA))
			}
		default:
			var c dnsmessage.CNAMEResource
			if c, err = p.CNAMEResource(); err == nil {
				all.aliases[owner] = lower(c.CNAME)
			}
		}
		if err != nil {
			return nil, err
		}
		if old, ok := all.ttl[owner]; !ok || h.TTL < old {
			all.ttl[owner] = h.TTL
		}
	}
}

// negative is how long a negative answer holds, 0 where no SOA says it.
func negative(p *dnsmessage.Parser) uint32 {
	for {
		h, err := p.AuthorityHeader()
		if err != nil {
			return 0
		}
		if h.Type != dnsmessage.TypeSOA {
			if p.SkipAuthority() != nil {
				return 0
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			return 0
		}
		return min(h.TTL, soa.MinTTL)
	}
}

// seconds is a TTL; RFC 2181 §8: one with the highest bit set is 0.
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

func lower(n dnsmessage.Name) string { return strings.ToLower(n.String()) }
