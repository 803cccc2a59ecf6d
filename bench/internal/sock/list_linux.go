package sock

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"time"

	"sonde/sockets"
)

// A Lister lists all connected sockets once, with TCP_INFO, as text that is thrown
// away. It returns how many there were, or -1.
type Lister func() (int, error)

// Sonde lists in this process.
func Sonde(owners bool) (list Lister, end func(), err error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	// No answer is old enough to do: each list looks through /proc again.
	table, err := sockets.Open(sockets.Config{Source: sockets.SourceNetlink, Owners: &sockets.Owners{MaxAge: time.Nanosecond}})
	if err != nil {
		null.Close()
		return nil, nil, err
	}
	query := sockets.Query{States: sockets.ConnectedStates, Detail: sockets.DetailInfo | sockets.DetailCongestion}
	if owners {
		query.Detail |= sockets.DetailOwner
	}
	const full = 32 << 10
	buffer := make([]byte, 0, full+4096)
	list = func() (n int, err error) {
		buffer = buffer[:0]
		for s, err := range table.All(context.Background(), query) {
			if err != nil {
				return n, err
			}
			n++
			if buffer = appendSocket(buffer, s); len(buffer) >= full {
				if _, err := null.Write(buffer); err != nil {
					return n, err
				}
				buffer = buffer[:0]
			}
		}
		_, err = null.Write(buffer)
		return n, err
	}
	return list, func() { table.Close(); null.Close() }, nil
}

// Process is the same, with a process for each list, as ss has one.
func Process(owners bool) Lister {
	n := 0
	if owners {
		n = 1
	}
	return func() (int, error) {
		cmd, err := child(kindList, n)
		if err != nil {
			return 0, err
		}
		return -1, cmd.Run()
	}
}

// listOnce is that process.
func listOnce(owners bool) error {
	list, end, err := Sonde(owners)
	if err != nil {
		return err
	}
	defer end()
	_, err = list()
	return err
}

// Command runs a program that lists.
func Command(name string, args ...string) Lister {
	return func() (int, error) { return -1, exec.Command(name, args...).Run() }
}

// appendSocket formats what ss -tinp shows.
func appendSocket(b []byte, s *sockets.Socket) []byte {
	b = append(b, s.State.String()...)
	b = count(b, " ", uint64(s.RecvQueue))
	b = count(b, " ", uint64(s.SendQueue))
	b = s.Local.AppendTo(append(b, ' '))
	b = s.Remote.AppendTo(append(b, ' '))
	if s.Owner.PID != 0 {
		b = append(append(b, ' '), s.Owner.Command...)
		b = count(b, ",pid=", uint64(s.Owner.PID))
		b = count(b, ",fd=", uint64(s.Owner.FD))
	}
	b = append(append(b, "\n\t "...), s.Congestion...)
	return append(appendInfo(b, &s.Info), '\n')
}

func appendInfo(b []byte, i *sockets.TCPInfo) []byte {
	b = count(b, " wscale:", uint64(i.SendWindowScale))
	b = milliseconds(b, " rto:", i.RetransmitTimeout)
	b = milliseconds(b, " rtt:", i.RTT)
	b = milliseconds(b, "/", i.RTTVar)
	b = count(b, " mss:", uint64(i.SendMSS))
	b = count(b, " pmtu:", uint64(i.PathMTU))
	b = count(b, " rcvmss:", uint64(i.RecvMSS))
	b = count(b, " advmss:", uint64(i.AdvertisedMSS))
	b = count(b, " cwnd:", uint64(i.CongestionWindow))
	b = count(b, " bytes_sent:", i.BytesSent)
	b = count(b, " bytes_acked:", i.BytesAcked)
	b = count(b, " bytes_received:", i.BytesReceived)
	b = count(b, " segs_out:", uint64(i.SegmentsOut))
	b = count(b, " segs_in:", uint64(i.SegmentsIn))
	b = milliseconds(b, " lastsnd:", i.SinceDataSent)
	b = milliseconds(b, " lastrcv:", i.SinceDataReceived)
	b = milliseconds(b, " lastack:", i.SinceAckReceived)
	b = count(b, " pacing_rate:", i.PacingRate)
	b = count(b, " delivery_rate:", i.DeliveryRate)
	b = count(b, " delivered:", uint64(i.Delivered))
	b = count(b, " rcv_space:", uint64(i.RecvSpace))
	b = count(b, " rcv_ssthresh:", uint64(i.RecvSlowStart))
	b = milliseconds(b, " minrtt:", i.MinRTT)
	return count(b, " snd_wnd:", uint64(i.SendWindow))
}

func count(b []byte, name string, n uint64) []byte {
	return strconv.AppendUint(append(b, name...), n, 10)
}

func milliseconds(b []byte, name string, d time.Duration) []byte {
	us := uint64(d / time.Microsecond)
	b = strconv.AppendUint(append(b, name...), us/1000, 10)
	return append(b, '.', '0'+byte(us/100%10), '0'+byte(us/10%10), '0'+byte(us%10))
}
