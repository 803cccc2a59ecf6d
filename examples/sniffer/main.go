//go:build linux

// Sniffer shows what a packet sniffer is at heart: a socket, a filter, a bind, a
// promiscuous membership, and a loop that reads and decodes. It uses system calls
// only; package capture does the same with a memory-mapped ring and without
// forgetting anything.
//
//	sudo go run ./examples/sniffer lo 10
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: sniffer INTERFACE COUNT")
	}
	ifi, err := net.InterfaceByName(os.Args[1])
	check(err)
	count, err := strconv.Atoi(os.Args[2])
	check(err)

	// A packet socket with protocol 0 hears nothing: it is deaf until bind.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	check(err)

	// The filter first, so that nothing gets in unfiltered: IPv4 with TCP, for
	// Ethernet frames. "ldh [12]; jeq 0x800; ldb [23]; jeq 6; ret all; ret 0".
	prog := []unix.SockFilter{{Code: 0x28, K: 12}, {Code: 0x15, Jf: 3, K: 0x800},
		{Code: 0x30, K: 23}, {Code: 0x15, Jf: 1, K: 6}, {Code: 6, K: 65535}, {Code: 6}}
	check(unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}))

	// Frames for other machines too, for as long as this socket lives.
	check(unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(ifi.Index), Type: unix.PACKET_MR_PROMISC}))

	// From here on packets come, from this interface alone. SO_BINDTODEVICE would
	// not do that. The protocol is ETH_P_ALL in network byte order.
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL})
	check(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index}))

	frame := make([]byte, 65536)
	for range count {
		n, _, err := unix.Recvfrom(fd, frame, 0)
		check(err)
		ip := frame[14:]
		tcp := ip[int(ip[0]&15)*4:]
		if n < len(frame)-len(tcp)+20 {
			continue // too short for what it says of itself
		}
		fmt.Printf("%v:%d > %v:%d, %d bytes\n", net.IP(ip[12:16]), binary.BigEndian.Uint16(tcp),
			net.IP(ip[16:20]), binary.BigEndian.Uint16(tcp[2:]), n)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
