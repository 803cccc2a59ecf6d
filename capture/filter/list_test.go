package filter

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var listFile = flag.String("filter.exprs", "", "file of lines \"LINKTYPE\\tEXPRESSION\" to compare with tcpdump; LINKTYPE is a number of pcap's, or live")

// TestList compares a list of expressions from elsewhere, such as the test
// suite of libpcap.
func TestList(t *testing.T) {
	if *listFile == "" {
		t.Skip("no list was given with -filter.exprs")
	}
	o := newOracle(t)
	data, err := os.ReadFile(*listFile)
	if err != nil {
		t.Fatal(err)
	}
	var st stats
	for line := range strings.Lines(string(data)) {
		source, expr, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			t.Fatalf("line %q has no tab", line)
		}
		s := liveScene()
		if source != "live" {
			n, _ := strconv.ParseUint(source, 10, 32)
			l, ok := LinkTypeFromPcap(uint32(n))
			if !ok {
				t.Fatalf("link type %s is not supported", source)
			}
			s = offline(l)
		}
		s.opts.Resolver = SystemResolver{Timeout: time.Second}
		v := o.compare(t, s, expr)
		if !st.add(v) {
			t.Logf("%s: %q: not tcpdump's program", s.name, expr)
		}
	}
	st.report(t)
}
