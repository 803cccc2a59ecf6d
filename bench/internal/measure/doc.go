// Package measure runs clients side by side and says what each of them costs.
//
// Clients of a row run in short slices, one after the other in an order that
// rotates from round to round, in one process, and the reference, which is the raw
// limit, has a slice between every two of them. Figures of a machine that others
// use too swing; the ratio of a slice to its two neighbours hardly does. So a
// figure "÷ raw" is the median of such ratios.
package measure
