//go:build !linux

package main

import "sonde/sockets"

// tcpInfo is nothing: this system has no such figures.
func tcpInfo(uintptr) sockets.TCPInfo { return sockets.TCPInfo{} }
