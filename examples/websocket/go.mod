module sonde/examples/websocket

go 1.26.0

replace sonde => ../../

require (
	github.com/coder/websocket v1.8.15
	sonde v0.0.0-00010101000000-000000000000
)
