package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"sonde/lab"
	"sonde/sockets"
)

// timeWait is how long Linux keeps a socket in TIME_WAIT; its timer may be some
// seconds late.
const (
	timeWait     = 60 * time.Second
	timeWaitLate = 15 * time.Second
)

// hold keeps the sockets, tells how to look at them, and follows their states
// until d is over. When that is as long as TIME_WAIT lasts, it goes on until the
// last one is gone.
func hold(ctx context.Context, l *lab.Lab, d time.Duration, results []lab.Result, to io.Writer) error {
	fmt.Fprintf(to, "\nThe sockets are kept for %v; Ctrl-C ends it.\n", d)
	byHand(to, l, results)
	start := time.Now()
	last, waiting := "", 0
	for n, err := range l.Watch(ctx, time.Second) {
		if err != nil {
			return err
		}
		held := time.Since(start)
		if now := n.String(); now != last {
			last = now
			fmt.Fprintf(to, "  %4.0f s  %s\n", held.Seconds(), stateNames(n))
		}
		waiting = n[sockets.TimeWait]
		if held >= d && (waiting == 0 || d < timeWait || held >= d+timeWaitLate) {
			break
		}
	}
	switch held := time.Since(start).Round(time.Second); {
	case waiting == 0:
		fmt.Fprintf(to, "After %v no socket is in TIME_WAIT.\n", held)
	default:
		fmt.Fprintf(to, "After %v %s in TIME_WAIT; the kernel lets go of them after %v.\n", held, still(waiting), timeWait)
	}
	return nil
}

func still(n int) string {
	if n == 1 {
		return "1 socket is still"
	}
	return fmt.Sprintf("%d sockets are still", n)
}

// stateNames shows TIME-WAIT even when there is none.
func stateNames(n sockets.Counts) string {
	text := n.String()
	if n[sockets.TimeWait] > 0 {
		return text
	}
	if text != "" {
		text += ", "
	}
	return text + "TIME-WAIT 0"
}

// byHand prints the lines with which anyone can count for himself.
func byHand(to io.Writer, l *lab.Lab, results []lab.Result) {
	fmt.Fprintln(to, "To count by hand, in another terminal:")
	port := "PORT"
	if shared := l.Port(); shared != 0 {
		port = fmt.Sprint(shared)
	}
	fmt.Fprintf(to, "  netstat -n | grep %s\n", port)
	fmt.Fprintf(to, "  ss -tan '( sport = :%s or dport = :%s )'\n", port, port)
	fmt.Fprintf(to, "  tcpdump -i any -n port %s\n", port)
	if l.URL() != "" {
		return
	}
	fmt.Fprintln(to, "with PORT one of (--listen :8080 fixes it)")
	for _, r := range results {
		fmt.Fprintf(to, "  %d  %s by %s\n", r.Port, r.Experiment, r.Client)
	}
}
