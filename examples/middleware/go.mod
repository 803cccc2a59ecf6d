module sonde/examples/middleware

go 1.26.0

replace sonde => ../../

require (
	github.com/sony/gobreaker/v2 v2.4.0
	golang.org/x/time v0.16.0
	sonde v0.0.0-00010101000000-000000000000
)
