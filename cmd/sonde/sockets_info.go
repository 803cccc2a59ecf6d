package main

import (
	"math"
	"strconv"
	"time"

	"sonde/sockets"
)

// appendInfo writes TCP_INFO in ss's words and order. A figure that is zero says
// nothing, and is left out.
func (w *socketWords) appendInfo(b []byte, s *sockets.Socket) []byte {
	i := &s.Info
	if w.c.timers {
		b = appendOptions(b, i.Options)
	}
	if s.Congestion != "" {
		b = append(append(b, ' '), s.Congestion...)
	}
	if i.Options&sockets.OptWindowScale != 0 {
		b = appendCount(b, " wscale:", uint64(i.SendWindowScale))
		b = appendCount(b, ",", uint64(i.RecvWindowScale))
	}
	b = appendTimes(b, i)
	b = appendSegments(b, i)
	b = w.appendRates(b, i)
	b = appendLosses(b, i, s.State == sockets.Listen)
	return appendReceiver(b, i)
}

func appendOptions(b []byte, o sockets.TCPOptions) []byte {
	for _, option := range [...]struct {
		bit  sockets.TCPOptions
		word string
	}{
		{sockets.OptTimestamps, " ts"}, {sockets.OptSACK, " sack"}, {sockets.OptECN, " ecn"},
		{sockets.OptECNSeen, " ecnseen"}, {sockets.OptSynData, " fastopen"},
	} {
		if o&option.bit != 0 {
			b = append(b, option.word...)
		}
	}
	return b
}

// rtoUnmeasured is the timeout of a connection that has not measured any.
const rtoUnmeasured = 3 * time.Second

func appendTimes(b []byte, i *sockets.TCPInfo) []byte {
	if i.RetransmitTimeout != 0 && i.RetransmitTimeout != rtoUnmeasured {
		b = appendMilliseconds(append(b, " rto:"...), i.RetransmitTimeout)
	}
	b = appendSome(b, " backoff:", uint64(i.Backoff))
	if i.RTT != 0 {
		b = appendMilliseconds(append(b, " rtt:"...), i.RTT)
		b = appendMilliseconds(append(b, '/'), i.RTTVar)
	}
	if i.AckTimeout != 0 {
		b = appendMilliseconds(append(b, " ato:"...), i.AckTimeout)
	}
	return b
}

// manySegments is from where on a slow-start threshold is none in practice.
const manySegments = 0xffff

func appendSegments(b []byte, i *sockets.TCPInfo) []byte {
	b = appendSome(b, " mss:", uint64(i.SendMSS))
	b = appendSome(b, " pmtu:", uint64(i.PathMTU))
	b = appendSome(b, " rcvmss:", uint64(i.RecvMSS))
	b = appendSome(b, " advmss:", uint64(i.AdvertisedMSS))
	b = appendSome(b, " cwnd:", uint64(i.CongestionWindow))
	if i.SendSlowStart < manySegments {
		b = appendSome(b, " ssthresh:", uint64(i.SendSlowStart))
	}
	b = appendSome(b, " bytes_sent:", i.BytesSent)
	b = appendSome(b, " bytes_retrans:", i.BytesRetransmitted)
	b = appendSome(b, " bytes_acked:", i.BytesAcked)
	b = appendSome(b, " bytes_received:", i.BytesReceived)
	b = appendSome(b, " segs_out:", uint64(i.SegmentsOut))
	b = appendSome(b, " segs_in:", uint64(i.SegmentsIn))
	b = appendSome(b, " data_segs_out:", uint64(i.DataSegmentsOut))
	return appendSome(b, " data_segs_in:", uint64(i.DataSegmentsIn))
}

func (w *socketWords) appendRates(b []byte, i *sockets.TCPInfo) []byte {
	if i.RTT > 0 && i.SendMSS > 0 && i.CongestionWindow > 0 {
		window := float64(i.CongestionWindow) * float64(i.SendMSS) * 8
		b = w.appendRate(append(b, " send "...), window/i.RTT.Seconds())
	}
	b = appendSome(b, " lastsnd:", uint64(i.SinceDataSent.Milliseconds()))
	b = appendSome(b, " lastrcv:", uint64(i.SinceDataReceived.Milliseconds()))
	b = appendSome(b, " lastack:", uint64(i.SinceAckReceived.Milliseconds()))
	if i.PacingRate != 0 && i.PacingRate != math.MaxUint64 {
		b = w.appendRate(append(b, " pacing_rate "...), float64(i.PacingRate)*8)
		if i.MaxPacingRate != 0 && i.MaxPacingRate != math.MaxUint64 {
			b = w.appendRate(append(b, '/'), float64(i.MaxPacingRate)*8)
		}
	}
	if i.DeliveryRate != 0 {
		b = w.appendRate(append(b, " delivery_rate "...), float64(i.DeliveryRate)*8)
	}
	b = appendSome(b, " delivered:", uint64(i.Delivered))
	b = appendSome(b, " delivered_ce:", uint64(i.DeliveredCE))
	if i.AppLimited {
		b = append(b, " app_limited"...)
	}
	return appendBusy(b, i)
}

// appendBusy writes how long there was data to send, and what part of that time
// the peer's window or the send buffer held it back.
func appendBusy(b []byte, i *sockets.TCPInfo) []byte {
	if i.Busy == 0 {
		return b
	}
	b = append(appendCount(b, " busy:", uint64(i.Busy.Milliseconds())), "ms"...)
	for _, limit := range [...]struct {
		word string
		time time.Duration
	}{{" rwnd_limited:", i.WindowLimited}, {" sndbuf_limited:", i.SendBufferLimited}} {
		if limit.time != 0 {
			b = append(appendCount(b, limit.word, uint64(limit.time.Milliseconds())), "ms("...)
			b = strconv.AppendFloat(b, 100*float64(limit.time)/float64(i.Busy), 'f', 1, 64)
			b = append(b, "%)"...)
		}
	}
	return b
}

// usualReordering is the kernel's first guess at how far segments overtake
// each other.
const usualReordering = 3

func appendLosses(b []byte, i *sockets.TCPInfo, listening bool) []byte {
	b = appendSome(b, " unacked:", uint64(i.Unacked))
	if i.Retransmitting != 0 || i.TotalRetransmits != 0 {
		b = appendCount(b, " retrans:", uint64(i.Retransmitting))
		b = appendCount(b, "/", uint64(i.TotalRetransmits))
	}
	b = appendSome(b, " lost:", uint64(i.Lost))
	if !listening { // where it is the queue's limit
		b = appendSome(b, " sacked:", uint64(i.Sacked))
	}
	b = appendSome(b, " dsack_dups:", uint64(i.DuplicateSACKs))
	if i.Reordering != usualReordering {
		b = appendSome(b, " reordering:", uint64(i.Reordering))
	}
	return appendSome(b, " reord_seen:", uint64(i.ReorderingSeen))
}

func appendReceiver(b []byte, i *sockets.TCPInfo) []byte {
	if i.RecvRTT != 0 {
		b = appendMilliseconds(append(b, " rcv_rtt:"...), i.RecvRTT)
	}
	b = appendSome(b, " rcv_space:", uint64(i.RecvSpace))
	b = appendSome(b, " rcv_ssthresh:", uint64(i.RecvSlowStart))
	b = appendSome(b, " notsent:", uint64(i.NotSent))
	if i.MinRTT != 0 {
		b = appendMilliseconds(append(b, " minrtt:"...), i.MinRTT)
	}
	b = appendSome(b, " rcv_ooopack:", uint64(i.OutOfOrder))
	b = appendSome(b, " snd_wnd:", uint64(i.SendWindow))
	b = appendSome(b, " rcv_wnd:", uint64(i.RecvWindow))
	return appendSome(b, " rehash:", uint64(i.Rehashes))
}

func appendSome(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return appendCount(b, name, n)
}

// appendMilliseconds writes milliseconds with six digits at most, and no zeros
// behind the point. Short times, which most are, do without floating point.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := uint64(d / time.Microsecond)
	if us >= 1_000_000 {
		return strconv.AppendFloat(b, float64(us)/1000, 'g', 6, 64)
	}
	b = strconv.AppendUint(b, us/1000, 10)
	us %= 1000
	if us == 0 {
		return b
	}
	b = append(b, '.', '0'+byte(us/100), '0'+byte(us/10%10), '0'+byte(us%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendRate writes bits per second: as a number, or shortened to three
// digits.
func (w *socketWords) appendRate(b []byte, rate float64) []byte {
	unit, letter := 1.0, ""
	if !w.c.numeric {
		switch {
		case rate > 1e12:
			unit, letter = 1e12, "T"
		case rate > 1e9:
			unit, letter = 1e9, "G"
		case rate > 1e6:
			unit, letter = 1e6, "M"
		case rate > 1e3:
			unit, letter = 1e3, "K"
		}
	}
	switch {
	case letter != "":
		b = append(strconv.AppendFloat(b, rate/unit, 'g', 3, 64), letter...)
	case rate < 1<<53:
		b = strconv.AppendUint(b, uint64(math.RoundToEven(rate)), 10)
	default:
		b = strconv.AppendFloat(b, rate, 'f', 0, 64)
	}
	return append(b, "bps"...)
}
