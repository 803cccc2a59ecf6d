package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"sonde/sockets"
)

// tcpInfo is what the kernel knows of a socket; of Size 0 if it says nothing.
func tcpInfo(fd uintptr) sockets.TCPInfo {
	raw, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return sockets.TCPInfo{}
	}
	return sockets.ParseTCPInfo(unsafe.Slice((*byte)(unsafe.Pointer(raw)), unsafe.Sizeof(*raw)))
}
