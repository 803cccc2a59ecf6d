package measure

import "slices"

// Median is the middle of values, and Spread half of the distance between their
// quartiles: half of all values lie within about that of the median. Both are 0 of
// none.
func Median(values []float64) (median, spread float64) {
	if len(values) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return quantile(sorted, .5), (quantile(sorted, .75) - quantile(sorted, .25)) / 2
}

// quantile interpolates between the two values beside it.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func sum(values []float64) float64 {
	var s float64
	for _, v := range values {
		s += v
	}
	return s
}
