package resolver

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func FuzzParse(f *testing.F) {
	q, packed, err := question("a.test", dnsmessage.TypeA)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Questions: []dnsmessage.Question{q}}
	owner := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}
	m.Answers = []dnsmessage.Resource{
		{Header: owner, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("b.test.")}},
		{Header: owner, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
	}
	m.Authorities = []dnsmessage.Resource{{Header: owner, Body: &dnsmessage.SOAResource{NS: q.Name, MBox: q.Name, MinTTL: 5}}}
	full, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := parse(message, q)
		if err != nil {
			return
		}
		if r.code != dnsmessage.RCodeSuccess && len(r.addrs) > 0 || r.ttl < 0 {
			t.Errorf("%+v", r)
		}
		for _, a := range r.addrs {
			if !a.Is4() {
				t.Error("an address of another family:", a)
			}
		}
	})
}
