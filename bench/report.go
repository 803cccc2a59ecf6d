package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"sonde/bench/internal/measure"
)

// result is a row that has run.
type result struct {
	Row   string         `json:"row"`
	Title string         `json:"title"`
	Lines []measure.Line `json:"lines"`
}

// output is all that -json writes.
type output struct {
	Machine string    `json:"machine"`
	Server  string    `json:"server"`
	Load    string    `json:"load_average"` // before and after
	Time    time.Time `json:"time"`
	Rows    []result  `json:"rows"`
	Missed  int       `json:"missed"`
	Failed  int       `json:"failed"` // lines without figures, because something went wrong
}

// report runs the rows and writes what came out: tables as they come, or JSON at
// the end, and the names of rows to progress.
func report(w, progress io.Writer, f *flags, e *env, rows []row) error {
	out := output{Machine: machine(), Server: f.server, Time: time.Now().UTC(), Load: loadAverage()}
	if !f.json {
		fmt.Fprintf(w, "%s; server: %s\n", out.Machine, out.Server)
	}
	for i, r := range rows {
		fmt.Fprintf(progress, "%d/%d %s …\n", i+1, len(rows), r.name)
		lines, err := r.run(e)
		if ending.Err() != nil {
			return ending.Err()
		}
		if err != nil {
			lines = append(lines, measure.Line{Client: "–", Note: "failed: " + err.Error()})
		}
		out.Missed += measure.Missed(lines)
		out.Failed += measure.Failed(lines)
		out.Rows = append(out.Rows, result{r.name, r.title, lines})
		if !f.json {
			fmt.Fprintf(w, "\n## %s: %s\n\n", r.name, r.title)
			measure.WriteTable(w, lines)
		}
	}
	out.Load += ", " + loadAverage()
	if f.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		if err := enc.Encode(out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "\nTargets missed: %d, in %v. Load average before and after: %s.\n",
			out.Missed, time.Since(out.Time).Round(time.Second), out.Load)
	}
	if out.Failed > 0 { // whose targets nobody has counted
		return fmt.Errorf("lines that have failed: %d", out.Failed)
	}
	return nil
}

// machine describes where this runs.
func machine() string {
	return fmt.Sprintf("%s, %d CPUs (%s), %s/%s%s", runtime.Version(), runtime.NumCPU(), cpuModel(),
		runtime.GOOS, runtime.GOARCH, kernel())
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if name, ok := strings.CutPrefix(in.Text(), "model name"); ok {
			return strings.Trim(name, "\t :")
		}
	}
	return "unknown"
}

// loadAverage is that of the last minute, in which a bench takes part.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	minute, _, found := strings.Cut(string(text), " ")
	if err != nil || !found {
		return "unknown"
	}
	return minute
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(release))
}
