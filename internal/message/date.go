package message

import "time"

// ParseTime reads an HTTP date in any of the three forms of RFC 9110, section 5.6.7.
func ParseTime(s string) (time.Time, error) { panic("soon") }

// AppendTime appends t as an IMF-fixdate.
func AppendTime(dst []byte, t time.Time) []byte { panic("soon") }
