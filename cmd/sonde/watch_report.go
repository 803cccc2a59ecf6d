package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"sonde/inspect"
)

// write writes what is asked for: the report, or its verdict as JSON, and the
// page.
func (c *watchCommand) write(r *inspect.Report) error {
	var page, err error
	if c.html != "" {
		page = c.writePage(r)
	}
	if c.json {
		err = writeLine(c, struct {
			Verdict inspect.Verdict `json:"verdict"`
		}{r.Verdict})
	} else {
		_, err = c.std.out.WriteString(colourReport(string(r.AppendText(nil)), r, paintFor(c.std.out)))
	}
	return errors.Join(err, page)
}

// writeLine writes a value as one line of JSON.
func writeLine(c *watchCommand, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := c.std.out.Write(b.Bytes())
	return err
}

func (c *watchCommand) writePage(r *inspect.Report) error {
	f, err := os.Create(c.html)
	if err != nil {
		return err
	}
	err = r.WriteHTML(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// colourReport makes the verdict stand out, and labels stand back.
func colourReport(text string, r *inspect.Report, p paint) string {
	first, rest, _ := strings.Cut(text, "\n")
	if r.Verdict.Healthy {
		first = p.good(first)
	} else {
		first = p.bad(first)
	}
	lines := strings.Split(rest, "\n")
	for n, line := range lines {
		label, text := line[:min(len(line), 10)], line[min(len(line), 10):]
		switch {
		case strings.HasPrefix(label, "cause"):
			lines[n] = p.title(label) + p.title(text)
		case strings.TrimSpace(label) != "":
			lines[n] = p.dim(label) + text
		}
	}
	return first + "\n" + strings.Join(lines, "\n")
}
