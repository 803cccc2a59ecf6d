package har_test

import (
	"bytes"
	"os/exec"
	"testing"

	"sonde/har"
)

// TestIndependentParser has the archive checked by har-validator of npm, against
// the published schema of HAR 1.2. It needs node, and the package where node
// finds it:
//
//	npm install --no-save --prefix DIR har-validator@5.1.5
//	NODE_PATH=DIR/node_modules go test ./har
func TestIndependentParser(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed:", err)
	}
	if out, err := exec.Command("node", "-e", "require('har-validator')").CombinedOutput(); err != nil {
		t.Skipf("node does not find har-validator (NODE_PATH): %.200s", out)
	}
	for _, cfg := range []har.Config{{}, {RequestBodies: true, ResponseBodies: true, Secrets: true}} {
		r := har.New(cfg)
		record(t, r)
		var in bytes.Buffer
		if _, err := r.WriteTo(&in); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", "-e", `
			const har = JSON.parse(require('fs').readFileSync(0))
			require('har-validator').har(har).then(
				() => console.log(har.log.entries.length),
				e => { console.error(JSON.stringify(e.errors || e, null, 1)); process.exit(1) })`)
		cmd.Stdin = &in
		out, err := cmd.CombinedOutput()
		if err != nil || string(bytes.TrimSpace(out)) != "9" {
			t.Errorf("%+v: %v\n%s", cfg, err, out)
		}
	}
}
