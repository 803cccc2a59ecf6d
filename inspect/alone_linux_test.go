package inspect_test

import (
	"strings"
	"testing"
	"time"

	"sonde/internal/watchtest"
)

// TestSocketsAlone: without packets the kernel's table alone tells the coarse
// patterns of connections that live long enough to be seen. Nothing else runs beside
// it: a look that comes late misses what it is about.
func TestSocketsAlone(t *testing.T) {
	tests := []struct {
		name, program, want string
		server              serverOptions
	}{
		{name: "well", program: "well"},
		{name: "burst", program: "burst-kept"},
		{name: "not closed, unread", program: "not-closed", server: serverOptions{handler: big}, want: "bodies-not-closed"},
		{name: "not closed", program: "not-closed", want: "bodies-not-closed client-per-request"},
		{name: "client idle timeout", program: "idle-timeout-long", want: "client-idle-timeout"},
		{name: "server idle timeout", program: "pauses-long", server: serverOptions{idle: 250 * time.Millisecond}, want: "server-idle-timeout"},
		{name: "client closes", program: "client-each-closed", want: "bodies-not-drained client-per-request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() []string {
				r := play(t, serve(t, tt.server), tt.program, watchtest.Ear{Deaf: true})
				if tt.want != "" && len(r.Verdict.Causes) > 1 && !strings.Contains(tt.want, " ") {
					r.Verdict.Causes = r.Verdict.Causes[:1] // the others may be chance: looks miss much
				}
				return watchtest.Wrong(&r.Verdict, tt.want)
			})
		})
	}
}
