package sockets_test

import (
	"encoding/json"
	"fmt"
	"time"

	"sonde/sockets"
)

func ExampleConfig() {
	// Processes may be remembered for longer, where a look at them is expensive.
	config := sockets.Config{Owners: &sockets.Owners{MaxAge: time.Minute}}
	fmt.Println(config.Source)
	// Output: auto
}

func ExampleSource() {
	fmt.Println(sockets.SourceNetlink, sockets.SourceProc)
	// Output: netlink proc
}

func ExampleProto() {
	text, err := json.Marshal(map[string]any{"proto": sockets.TCP, "family": sockets.IPv6})
	fmt.Println(string(text), err)
	// Output: {"family":"ipv6","proto":"tcp"} <nil>
}

func ExampleFamily() {
	var any sockets.Family
	fmt.Println(sockets.IPv4, any)
	// Output: ipv4 any
}

func ExampleOwner() {
	owner := sockets.Owner{PID: 1234, FD: 5, Command: "curl"}
	fmt.Printf("%s[%d]\n", owner.Command, owner.PID)
	// Output: curl[1234]
}

func ExampleMemory() {
	m := sockets.Memory{Receive: 2304, ReceiveLimit: 131072}
	fmt.Printf("%d %%\n", 100*m.Receive/m.ReceiveLimit)
	// Output: 1 %
}

func ExampleTimer() {
	timer := sockets.Timer{Kind: sockets.TimerRetransmit, Retries: 2, Left: 800 * time.Millisecond}
	fmt.Println(timer.Kind, timer.Retries, timer.Left)
	// Output: retransmit 2 800ms
}

func ExampleTimerKind() {
	fmt.Println(sockets.TimerKeepAlive, sockets.TimerOff)
	// Output: keepalive off
}

func ExampleCongestionState() {
	info := sockets.TCPInfo{CongestionState: sockets.CongestionLoss}
	fmt.Println(info.CongestionState)
	// Output: loss
}

func ExampleTCPOptions() {
	agreed := sockets.OptTimestamps | sockets.OptSACK
	fmt.Println(agreed&sockets.OptSACK != 0, agreed&sockets.OptECN != 0)
	// Output: true false
}

func ExampleChange() {
	after := []sockets.Socket{{Proto: sockets.TCP, State: sockets.Listen, Inode: 1}}
	for _, change := range sockets.Diff(nil, after) {
		fmt.Println(change.Kind, change.Before == nil, change.After.State)
	}
	// Output: appeared true LISTEN
}

func ExampleChangeKind() {
	fmt.Println(sockets.Appeared, sockets.Changed, sockets.Gone)
	// Output: appeared changed gone
}
