package measure

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Line is what was found out about one client in one row.
type Line struct {
	Client  string   `json:"client"`
	Ops     int64    `json:"ops,omitempty"` // measured, to divide a profile by
	Figures []Figure `json:"figures,omitempty"`
	Note    string   `json:"note,omitempty"` // why there are none, or what to know
}

// Missed counts the figures that miss their targets.
func Missed(lines []Line) int {
	n := 0
	for _, l := range lines {
		for _, f := range l.Figures {
			if f.Missed {
				n++
			}
		}
	}
	return n
}

// Failed counts the lines that have a note of failure instead of figures.
func Failed(lines []Line) int {
	n := 0
	for _, l := range lines {
		if strings.HasPrefix(l.Note, "failed: ") {
			n++
		}
	}
	return n
}

// WriteTable writes lines as a Markdown table, with a column for every name of a
// figure in the order in which they come first.
func WriteTable(w io.Writer, lines []Line) {
	var columns []string
	notes := false
	for _, l := range lines {
		for _, f := range l.Figures {
			if !slices.Contains(columns, f.Name) {
				columns = append(columns, f.Name)
			}
		}
		notes = notes || l.Note != ""
	}
	head := append([]string{"client"}, columns...)
	if notes {
		head = append(head, "note")
	}
	writeRow(w, head)
	writeRow(w, slices.Repeat([]string{"---"}, len(head)))
	for _, l := range lines {
		cells := []string{l.Client}
		for _, c := range columns {
			cells = append(cells, l.cell(c))
		}
		if notes {
			cells = append(cells, strings.NewReplacer("|", "\\|", "\n", " ").Replace(l.Note))
		}
		writeRow(w, cells)
	}
}

func (l *Line) cell(column string) string {
	for _, f := range l.Figures {
		if f.Name == column {
			return f.String()
		}
	}
	return ""
}

func writeRow(w io.Writer, cells []string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}
