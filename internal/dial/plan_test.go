package dial

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestPlan plays scripts: what happened at which reading, and what to do then.
// "4 1.1.1.1" is the answer of a look-up, "-" a failed attempt, "?" nothing.
func TestPlan(t *testing.T) {
	const (
		six1, six2, six3    = "2001:db8::1", "2001:db8::2", "2001:db8::3"
		four1, four2, four3 = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	)
	for _, c := range []struct{ name, script, want string }{
		{"no answer yet", "0 ?", "0 wait"},
		{"both fail", "1 4|2 6", "1 wait|2 over"},
		{"AAAA first starts at once", "10 6 " + six1, "10 " + six1 + " wait"},
		{"A waits 50 for AAAA", "10 4 " + four1 + "|59 ?|60 ?", "10 wait 60|59 wait 60|60 " + four1 + " wait"},
		{"AAAA within the wait is preferred", "10 4 " + four1 + "|30 6 " + six1, "10 wait 60|30 " + six1 + " wait 280"},
		{"negative AAAA ends the wait", "10 4 " + four1 + "|30 6", "10 wait 60|30 " + four1 + " wait"},
		{"negative AAAA before A", "10 6|30 4 " + four1, "10 wait|30 " + four1 + " wait"},
		{"families alternate", "0 6 " + six1 + " " + six2 + " " + six3 + "|0 4 " + four1 + "|250 ?|500 ?|750 ?|1000 ?",
			"0 " + six1 + " wait 250|0 wait 250|250 " + four1 + " wait 500|500 " + six2 + " wait 750|750 " + six3 + " wait|1000 wait"},
		{"one family only", "0 6|0 4 " + four1 + " " + four2 + " " + four3 + "|249 ?|250 ?|600 ?",
			"0 wait|0 " + four1 + " wait 250|249 wait 250|250 " + four2 + " wait 500|600 " + four3 + " wait"},
		{"a failure starts the next at once", "0 6 " + six1 + "|0 4 " + four1 + "|20 -|21 -",
			"0 " + six1 + " wait|0 wait 250|20 " + four1 + " wait|21 over"},
		{"all failed, AAAA still out", "0 4 " + four1 + "|50 ?|60 -|70 6 " + six1 + "|80 -",
			"0 wait 50|50 " + four1 + " wait|60 wait|70 " + six1 + " wait|80 over"},
		{"late AAAA has its turn", "0 4 " + four1 + " " + four2 + " " + four3 + "|50 ?|300 ?|310 6 " + six1 + "|550 ?",
			"0 wait 50|50 " + four1 + " wait 300|300 " + four2 + " wait 550|310 wait 550|550 " + six1 + " wait 800"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan{attemptDelay: 250, resolutionDelay: 50, asked: [2]bool{true, true}}
			var got []string
			for _, line := range strings.Split(c.script, "|") {
				got = append(got, play(t, &p, line))
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// play tells p one line of a script; it returns all that p wants done.
func play(t *testing.T, p *plan, line string) string {
	words := strings.Fields(line)
	var now int64
	fmt.Sscan(words[0], &now)
	switch words[1] {
	case "-":
		p.failed()
	case "4", "6":
		f := six
		if words[1] == "4" {
			f = four
		}
		var addrs []netip.Addr
		for _, w := range words[2:] {
			addrs = append(addrs, netip.MustParseAddr(w))
		}
		p.resolved(f, addrs, now)
	}
	out := words[0]
	for range 10 {
		a, do, at := p.step(now)
		switch {
		case do == start:
			out += " " + a.String()
			continue
		case do == over:
			return out + " over"
		case at != 0:
			return fmt.Sprint(out, " wait ", at)
		}
		return out + " wait"
	}
	t.Fatal("the plan never waits")
	return ""
}

func TestUsable(t *testing.T) {
	in := []netip.Addr{
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1"), {},
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.2"),
	}
	if got := fmt.Sprint(usable(four, in)); got != "[192.0.2.1 192.0.2.2]" {
		t.Error("IPv4:", got)
	}
	if got := fmt.Sprint(usable(six, in)); got != "[2001:db8::1]" {
		t.Error("IPv6:", got)
	}
	many := make([]netip.Addr, 0, 1000)
	for a := netip.MustParseAddr("10.0.0.0"); len(many) < 1000; a = a.Next() {
		many = append(many, a)
	}
	if got := len(usable(four, many)); got != maxAddrs {
		t.Errorf("%d addresses of 1000, want %d", got, maxAddrs)
	}
}
