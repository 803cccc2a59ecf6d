package sfv

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

const (
	// RFC 9651, section 3.3.1: an integer has at most 15 digits.
	maxInteger       = 999_999_999_999_999
	maxIntegerDigits = 15
	// RFC 9651, section 3.3.2: a decimal has at most 12 digits before the point
	// and 3 after it, so that its thousandths have 15 digits as well.
	maxWholeDigits    = 12
	maxFractionDigits = 3
)

// Decimal is a number with three decimal places, counted in thousandths, as
// time.Duration counts nanoseconds: Decimal(1500) is 1.5. It holds every decimal
// of RFC 9651, section 3.3.2 exactly. The zero value is 0.0. Values beyond
// ±999,999,999,999.999 can be calculated but not serialized.
type Decimal int64

// Float64 returns the float64 nearest to d.
func (d Decimal) Float64() float64 { return float64(d) / 1000 }

// String returns d as it is written in a field: "1.5", "-0.25", "3.0".
func (d Decimal) String() string {
	return string(formatDecimal(make([]byte, 0, 24), d))
}

// parseNumber reads an integer or a decimal.
func (s *scanner) parseNumber() (Value, error) {
	// RFC 9651, section 4.2.4.
	negative := s.take('-')
	first := s.pos
	n, err := s.parseDigits(0, maxIntegerDigits)
	if err != nil {
		return nil, err
	}
	point := s.pos
	if !s.take('.') {
		return signed(n, negative), nil
	}
	if point-first > maxWholeDigits {
		return nil, faultAt(point, "decimal has more than 12 digits before its point")
	}
	if n, err = s.parseDigits(n, maxFractionDigits); err != nil {
		return nil, err
	}
	for range maxFractionDigits - (s.pos - point - 1) {
		n *= 10
	}
	return Decimal(signed(n, negative)), nil
}

// parseDigits reads 1 to limit digits and appends them to the number n.
func (s *scanner) parseDigits(n int64, limit int) (int64, error) {
	if !digitBytes.has(s.peek()) {
		return 0, s.want("a digit")
	}
	for start := s.pos; digitBytes.has(s.peek()); s.pos++ {
		if s.pos-start == limit {
			return 0, faultAt(s.pos, "number has more than "+strconv.Itoa(limit)+" digits here")
		}
		n = n*10 + int64(s.in[s.pos]-'0')
	}
	return n, nil
}

func signed(n int64, negative bool) int64 {
	if negative {
		return -n
	}
	return n
}

func appendInteger(dst []byte, n int64) ([]byte, error) {
	// RFC 9651, section 4.1.4.
	if n < -maxInteger || n > maxInteger {
		return nil, errors.New("integer has more than 15 digits")
	}
	return strconv.AppendInt(dst, n, 10), nil
}

func appendDecimal(dst []byte, d Decimal) ([]byte, error) {
	// RFC 9651, section 4.1.5, step 3.
	if d < -maxInteger || d > maxInteger {
		return nil, errors.New("decimal has more than 12 digits before its point")
	}
	return formatDecimal(dst, d), nil
}

// formatDecimal writes any Decimal, also those beyond the limits.
func formatDecimal(dst []byte, d Decimal) []byte {
	// RFC 9651, section 4.1.5, steps 5 to 9: at least one digit on either side of
	// the point, and no zeros at the end beyond that.
	n := uint64(d)
	if d < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendUint(dst, n/1000, 10)
	frac := n % 1000
	dst = append(dst, '.', byte('0'+frac/100))
	if frac%100 != 0 {
		dst = append(dst, byte('0'+frac/10%10))
	}
	if frac%10 != 0 {
		dst = append(dst, byte('0'+frac%10))
	}
	return dst
}

// roundFloat returns the decimal nearest to f. A tie is decided by the digits
// that identify f, not by the binary fraction: 0.0025 is a tie though its
// float64 lies a little above, and goes to the even neighbour 0.002.
func roundFloat(f float64) (Decimal, error) {
	// RFC 9651, section 4.1.5, steps 1 and 3. The exact limit is checked after
	// rounding; this one keeps the text short.
	if math.IsNaN(f) || math.Abs(f) > 1e12 {
		return 0, fmt.Errorf("float64 %v is no decimal of at most 12 digits before its point", f)
	}
	var buf [400]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'f', -1, 64)

	// RFC 9651, section 4.1.5, step 2: to three places, half to even.
	var n int64
	places, rest := -1, []byte(nil)
	for i, c := range text {
		if c == '.' {
			places = 0
			continue
		}
		if places == maxFractionDigits {
			rest = text[i:]
			break
		}
		n = n*10 + int64(c-'0')
		if places >= 0 {
			places++
		}
	}
	for range maxFractionDigits - max(places, 0) {
		n *= 10
	}
	if roundsUp(rest, n%2 == 1) {
		n++
	}
	return Decimal(signed(n, f < 0)), nil
}

// roundsUp reports whether the digits cut off move the last digit kept, which
// is odd or not, up by one.
func roundsUp(rest []byte, odd bool) bool {
	if len(rest) == 0 || rest[0] != '5' {
		return len(rest) > 0 && rest[0] > '5'
	}
	// The shortest text of a float64 never ends in a zero after the point: what
	// follows the 5 makes it more than a half.
	return len(rest) > 1 || odd
}
