package auth

import "sonde"

// WithCnonce gives a Digest its cnonces, for vectors that have them.
func WithCnonce(x sonde.Authenticator, next func() string) sonde.Authenticator {
	x.(*digest).random = next
	return x
}

// Remembered is of how many origins a Digest knows something.
func Remembered(x sonde.Authenticator) int { return len(x.(*digest).spaces) }
