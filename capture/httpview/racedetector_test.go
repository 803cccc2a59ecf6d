//go:build race

package httpview_test

const raceDetector = true
