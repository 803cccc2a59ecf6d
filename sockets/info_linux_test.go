package sockets

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawInfo is the memory of x/sys's struct, whose offsets the C compiler knows.
func rawInfo(i *unix.TCPInfo) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(i)), unsafe.Sizeof(*i))
}

// TestInfoOffsets compares every field with the one that x/sys/unix has in its
// place, in a struct of random bytes.
func TestInfoOffsets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var want unix.TCPInfo
		raw := rawInfo(&want)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		raw[175], raw[183], raw[191] = 0, 0, 0 // durations that fit in 64 bits of nanoseconds
		raw[174], raw[182], raw[190] = 0, 0, 0
		got := ParseTCPInfo(raw)
		us := func(n uint32) uint64 { return uint64(n) * uint64(time.Microsecond) }
		ms := func(n uint32) uint64 { return uint64(n) * uint64(time.Millisecond) }
		for i, row := range [][2]uint64{
			{uint64(got.Size), uint64(len(raw))},
			{uint64(got.State), uint64(want.State)},
			{uint64(got.CongestionState), uint64(want.Ca_state)},
			{uint64(got.Retransmits), uint64(want.Retransmits)},
			{uint64(got.Probes), uint64(want.Probes)},
			{uint64(got.Backoff), uint64(want.Backoff)},
			{uint64(got.Options), uint64(want.Options)},
			{uint64(got.RetransmitTimeout), us(want.Rto)},
			{uint64(got.AckTimeout), us(want.Ato)},
			{uint64(got.SendMSS), uint64(want.Snd_mss)},
			{uint64(got.RecvMSS), uint64(want.Rcv_mss)},
			{uint64(got.Unacked), uint64(want.Unacked)},
			{uint64(got.Sacked), uint64(want.Sacked)},
			{uint64(got.Lost), uint64(want.Lost)},
			{uint64(got.Retransmitting), uint64(want.Retrans)},
			{uint64(got.ForwardAcked), uint64(want.Fackets)},
			{uint64(got.SinceDataSent), ms(want.Last_data_sent)},
			{uint64(got.SinceDataReceived), ms(want.Last_data_recv)},
			{uint64(got.SinceAckReceived), ms(want.Last_ack_recv)},
			{uint64(got.PathMTU), uint64(want.Pmtu)},
			{uint64(got.RecvSlowStart), uint64(want.Rcv_ssthresh)},
			{uint64(got.RTT), us(want.Rtt)},
			{uint64(got.RTTVar), us(want.Rttvar)},
			{uint64(got.SendSlowStart), uint64(want.Snd_ssthresh)},
			{uint64(got.CongestionWindow), uint64(want.Snd_cwnd)},
			{uint64(got.AdvertisedMSS), uint64(want.Advmss)},
			{uint64(got.Reordering), uint64(want.Reordering)},
			{uint64(got.RecvRTT), us(want.Rcv_rtt)},
			{uint64(got.RecvSpace), uint64(want.Rcv_space)},
			{uint64(got.TotalRetransmits), uint64(want.Total_retrans)},
			{got.PacingRate, want.Pacing_rate},
			{got.MaxPacingRate, want.Max_pacing_rate},
			{got.BytesAcked, want.Bytes_acked},
			{got.BytesReceived, want.Bytes_received},
			{uint64(got.SegmentsOut), uint64(want.Segs_out)},
			{uint64(got.SegmentsIn), uint64(want.Segs_in)},
			{uint64(got.NotSent), uint64(want.Notsent_bytes)},
			{uint64(got.MinRTT), us(want.Min_rtt)},
			{uint64(got.DataSegmentsIn), uint64(want.Data_segs_in)},
			{uint64(got.DataSegmentsOut), uint64(want.Data_segs_out)},
			{got.DeliveryRate, want.Delivery_rate},
			{uint64(got.Busy), want.Busy_time * uint64(time.Microsecond)},
			{uint64(got.WindowLimited), want.Rwnd_limited * uint64(time.Microsecond)},
			{uint64(got.SendBufferLimited), want.Sndbuf_limited * uint64(time.Microsecond)},
			{uint64(got.Delivered), uint64(want.Delivered)},
			{uint64(got.DeliveredCE), uint64(want.Delivered_ce)},
			{got.BytesSent, want.Bytes_sent},
			{got.BytesRetransmitted, want.Bytes_retrans},
			{uint64(got.DuplicateSACKs), uint64(want.Dsack_dups)},
			{uint64(got.ReorderingSeen), uint64(want.Reord_seen)},
			{uint64(got.OutOfOrder), uint64(want.Rcv_ooopack)},
			{uint64(got.SendWindow), uint64(want.Snd_wnd)},
			{uint64(got.RecvWindow), uint64(want.Rcv_wnd)},
			{uint64(got.Rehashes), uint64(want.Rehash)},
			{uint64(got.Timeouts), uint64(want.Total_rto)},
			{uint64(got.TimeoutRecoveries), uint64(want.Total_rto_recoveries)},
			{uint64(got.TimeoutTime), ms(want.Total_rto_time)},
			{uint64(got.ReceivedCE), uint64(want.Received_ce)},
			{uint64(got.DeliveredE1Bytes), uint64(want.Delivered_e1_bytes)},
			{uint64(got.DeliveredE0Bytes), uint64(want.Delivered_e0_bytes)},
			{uint64(got.DeliveredCEBytes), uint64(want.Delivered_ce_bytes)},
			{uint64(got.ReceivedE1Bytes), uint64(want.Received_e1_bytes)},
			{uint64(got.ReceivedE0Bytes), uint64(want.Received_e0_bytes)},
			{uint64(got.ReceivedCEBytes), uint64(want.Received_ce_bytes)},
		} {
			if row[0] != row[1] {
				t.Fatalf("row %d: got %d, want %d", i, row[0], row[1])
			}
		}
	}
}

// TestInfoOfSocket compares a dump with getsockopt on the same quiet socket, and
// with what was really sent.
func TestInfoOfSocket(t *testing.T) {
	table := open(t, SourceNetlink)
	stage := newStage(t, "127.0.0.1", nil)
	client, server := stage.pair("127.0.0.1")
	noTimeWait(client, server)
	client.Write(make([]byte, 3000))
	server.Read(make([]byte, 3000))
	var dumped Socket
	eventually(t, "3000 bytes acknowledged", func() bool {
		dumped = reaches(t, table, local(client), stage.address, Established)
		return dumped.Info.BytesAcked >= 3000
	})
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var asked TCPInfo
	raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			asked = ParseTCPInfo(rawInfo(info))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := dumped.Info
	if got.State != Established || got.BytesSent != 3000 || got.SendMSS == 0 || got.RTT <= 0 || got.MinRTT <= 0 {
		t.Errorf("after 3000 bytes: %+v", got)
	}
	// These count the time since something happened.
	for _, i := range []*TCPInfo{&got, &asked} {
		i.SinceDataSent, i.SinceDataReceived, i.SinceAckReceived, i.Size = 0, 0, 0, 0
	}
	if got != asked {
		t.Errorf("the dump says\n%+v, getsockopt says\n%+v", got, asked)
	}
	if dumped.Congestion == "" || dumped.Memory.SendLimit == 0 || dumped.Memory.ReceiveLimit == 0 {
		t.Errorf("congestion control %q, memory %+v", dumped.Congestion, dumped.Memory)
	}
	if want := DetailAll; dumped.Has != want {
		t.Errorf("details %06b came, want %06b", dumped.Has, want)
	}
}
