package dns_test

import (
	"fmt"

	"sonde/capture/decode/dns"
)

func ExampleQuestion() {
	q := dns.Question{Name: "www.example.com.", Type: dns.TypeAAAA, Class: 1}
	fmt.Println(q.Type, q.Class, q.Name)
	// Output: AAAA IN www.example.com.
}

func ExampleRecord() {
	var m dns.Message
	if err := dns.Parse(answer, &m); err != nil {
		fmt.Println(err)
	}
	r := m.Answers[1]
	fmt.Println(r.Name, r.TTL, r.Class, r.Type, r.Text, r.Data)
	// Output: cdn.example.com. 60 IN A 192.0.2.1 [192 0 2 1]
}

func ExampleType() {
	fmt.Println(dns.TypeHTTPS, dns.Type(4711))
	// Output: HTTPS TYPE4711
}

func ExampleClass() {
	fmt.Println(dns.Class(1), dns.Class(4711))
	// Output: IN CLASS4711
}

func ExampleRCode() {
	fmt.Println(dns.RCode(3), dns.RCode(4000))
	// Output: NXDomain RCode4000
}
