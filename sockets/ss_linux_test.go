package sockets

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// ss runs ss for the sockets of one stage, or skips.
func ss(t *testing.T, stage *stage, flags string) [][]string {
	t.Helper()
	path, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("ss is not installed: ", err)
	}
	filter := fmt.Sprintf("( sport = :%d or dport = :%[1]d ) and src [%s]", stage.port(), stage.address.Addr())
	out, err := exec.Command(path, "-HO", flags, filter).CombinedOutput()
	if err != nil {
		t.Skipf("ss %s: %v: %s", flags, err, out)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}

// ssStates are ss's own words.
var ssStates = map[State]string{
	Established: "ESTAB", FinWait2: "FIN-WAIT-2", TimeWait: "TIME-WAIT", CloseWait: "CLOSE-WAIT", Listen: "LISTEN",
}

// TestAgainstSS compares states, queues, addresses, owners and the figures of
// TCP_INFO that do not depend on the clock.
func TestAgainstSS(t *testing.T) {
	table := open(t, SourceNetlink)
	for _, address := range []string{"127.0.0.1", "::1"} {
		stage := newStage(t, address, nil)
		client, server := stage.pair(address)
		client.Write(make([]byte, 5000))
		server.Read(make([]byte, 2000))
		half, _ := stage.pair(address)
		half.CloseWrite()
		ended, other := stage.pair(address)
		ended.Close()
		reaches(t, table, local(ended), stage.address, FinWait2)
		other.Close()
		reaches(t, table, local(ended), stage.address, TimeWait)
		reaches(t, table, local(half), stage.address, FinWait2)

		theirs := map[string][]string{}
		for _, row := range ss(t, stage, "-tanipe") {
			theirs[row[3]+" "+row[4]] = row
		}
		ours := list(t, table, Query{Filter: stage.filter(), Detail: DetailAll})
		if len(ours) != len(theirs) || len(ours) != 6 {
			t.Errorf("%s: %d sockets, ss has %d, want 6", address, len(ours), len(theirs))
		}
		for _, s := range ours {
			remote := s.Remote.String()
			if s.Remote.Port() == 0 {
				remote = strings.TrimSuffix(remote, "0") + "*"
			}
			row := theirs[s.Local.String()+" "+remote]
			if row == nil {
				t.Errorf("ss does not have %v; it has %v", &s, theirs)
				continue
			}
			compareWithSS(t, &s, row)
		}
		noTimeWait(client, server, half)
	}
}

// compareWithSS looks for the words that ss would print for s.
func compareWithSS(t *testing.T, s *Socket, row []string) {
	t.Helper()
	if row[0] != ssStates[s.State] || row[1] != fmt.Sprint(s.RecvQueue) || row[2] != fmt.Sprint(s.SendQueue) {
		t.Errorf("%v with queues %d, %d; ss says %v", s, s.RecvQueue, s.SendQueue, row[:5])
	}
	has := map[string]bool{}
	for _, word := range row[5:] {
		has[word] = true
	}
	want := []string{}
	if s.Cookie != 0 {
		want = append(want, fmt.Sprintf("sk:%x", s.Cookie))
	}
	if s.Inode != 0 {
		want = append(want, fmt.Sprintf("ino:%d", s.Inode),
			fmt.Sprintf(`users:(("%s",pid=%d,fd=%d))`, s.Owner.Command, os.Getpid(), s.Owner.FD))
	}
	if i := s.Info; s.Has&DetailInfo != 0 && s.State != Listen {
		want = append(want, s.Congestion,
			fmt.Sprintf("wscale:%d,%d", i.SendWindowScale, i.RecvWindowScale),
			fmt.Sprintf("mss:%d", i.SendMSS), fmt.Sprintf("pmtu:%d", i.PathMTU), fmt.Sprintf("rcvmss:%d", i.RecvMSS),
			fmt.Sprintf("advmss:%d", i.AdvertisedMSS), fmt.Sprintf("cwnd:%d", i.CongestionWindow),
			fmt.Sprintf("segs_in:%d", i.SegmentsIn))
		if i.BytesSent > 0 {
			want = append(want, fmt.Sprintf("bytes_sent:%d", i.BytesSent), fmt.Sprintf("bytes_acked:%d", i.BytesAcked))
		}
		if i.BytesReceived > 0 {
			want = append(want, fmt.Sprintf("bytes_received:%d", i.BytesReceived))
		}
	}
	for _, word := range want {
		if !has[word] {
			t.Errorf("%v: ss does not say %q but %v", s, word, row[5:])
		}
	}
}
