//go:build !race

package dial

const raceDetector = false
