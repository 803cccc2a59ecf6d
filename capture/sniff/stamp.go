package sniff

import (
	"strconv"
	"time"
)

// stamp prints packets' times. Local time is worked out once a quarter of an
// hour: no zone changes its offset at another moment.
type stamp struct {
	style       TimeStyle
	nano        bool
	first, last int64
	begun       bool
	quarter     int64 // which one the offset is for
	offset      int64 // seconds east of Greenwich
	zoned       bool
	second      int64  // of the time of day printed last
	clock       []byte // and what it was
}

// append adds the time and a space.
func (s *stamp) append(dst []byte, ns int64) []byte {
	if !s.begun {
		s.begun, s.first, s.last = true, ns, ns
	}
	since := s.first
	if s.style == TimeDelta {
		since = s.last
	}
	s.last = ns
	switch s.style {
	case TimeNone:
		return dst
	case TimeUnix:
		dst = strconv.AppendInt(dst, floorDiv(ns, 1e9), 10)
		return append(s.fraction(dst, ns), ' ')
	case TimeDelta, TimeOffset:
		d, sign := ns-since, byte(' ')
		if d < 0 {
			d, sign = -d, '-'
		}
		dst = appendClock(append(dst, sign), d/1e9)
		return append(s.fraction(dst, d), ' ')
	}
	if past := ns - s.second*1e9; past < 0 || past >= 1e9 || len(s.clock) == 0 {
		s.tick(floorDiv(ns, 1e9))
	}
	return append(s.fraction(append(dst, s.clock...), ns-s.second*1e9), ' ')
}

// tick works out a second's text: many packets share it.
func (s *stamp) tick(sec int64) {
	s.second, s.clock = sec, s.clock[:0]
	local := sec + s.zone(sec)
	if s.style == TimeDate {
		s.clock = append(time.Unix(local, 0).UTC().AppendFormat(s.clock, time.DateOnly), ' ')
	}
	s.clock = appendClock(s.clock, local-floorDiv(local, 86400)*86400)
}

func (s *stamp) zone(sec int64) int64 {
	if q := floorDiv(sec, 900); !s.zoned || q != s.quarter {
		_, offset := time.Unix(sec, 0).Zone()
		s.zoned, s.quarter, s.offset = true, q, int64(offset)
	}
	return s.offset
}

// fraction adds what is below a second, six digits or nine.
func (s *stamp) fraction(dst []byte, ns int64) []byte {
	f := uint32(ns - floorDiv(ns, 1e9)*1e9)
	two := func(i uint32) string { return pairs[2*i : 2*i+2] }
	micro, nano := f/1000, f%1000
	dst = append(append(append(append(dst, '.'), two(micro/10_000)...), two(micro/100%100)...), two(micro%100)...)
	if s.nano {
		dst = append(append(dst, byte('0'+nano/100)), two(nano%100)...)
	}
	return dst
}

// appendClock adds hours, minutes and seconds.
func appendClock(dst []byte, sec int64) []byte {
	h := sec / 3600
	if h > 99 {
		dst = strconv.AppendInt(dst, h, 10)
	} else {
		dst = appendTwo(dst, h)
	}
	dst = appendTwo(append(dst, ':'), sec/60%60)
	return appendTwo(append(dst, ':'), sec%60)
}

func appendTwo(dst []byte, v int64) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
