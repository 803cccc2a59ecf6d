package main

import (
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/termenv"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(f.Fd()) }

// defaultWidth is that of a page without a terminal, and the most that a table
// takes of one.
const defaultWidth = 80

// widthOf is how many columns there are to write into.
func widthOf(f *os.File) int {
	if isTerminal(f) {
		if w, _, err := term.GetSize(f.Fd()); err == nil && w > 0 {
			return min(w, defaultWidth)
		}
	}
	return defaultWidth
}

// paint makes text stand out, where there is a terminal that can.
type paint struct{ title, dim, good, bad func(string) string }

func paintFor(f *os.File) paint {
	if !isTerminal(f) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		plain := func(s string) string { return s }
		return paint{plain, plain, plain, plain}
	}
	// It is a terminal: the library would doubt that where CI is in the environment.
	r := lipgloss.NewRenderer(f, termenv.WithTTY(true))
	style := func(s lipgloss.Style) func(string) string {
		return eachLine(func(line string) string { return s.Render(line) })
	}
	return paint{
		title: style(r.NewStyle().Bold(true)),
		dim:   style(r.NewStyle().Faint(true)),
		good:  style(r.NewStyle().Foreground(lipgloss.Color("2"))),
		bad:   style(r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)),
	}
}

// eachLine is f for one line after the other: lines that are rendered together are
// filled up to the longest, which has no room behind what stands before the first.
func eachLine(f func(string) string) func(string) string {
	return func(text string) string {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = f(lines[i])
		}
		return strings.Join(lines, "\n")
	}
}

// wrap breaks text into lines of at most width columns, the second and later ones
// behind indent. A word that is longer than a line is broken, too.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column, room := 0, max(width-utf8.RuneCountInString(indent), 1)
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = width - room
		default:
			b.WriteByte(' ')
			column++
		}
		for ; column+n > width; n = utf8.RuneCountInString(word) {
			head := string([]rune(word)[:max(width-column, 1)])
			b.WriteString(head + "\n" + indent)
			word, column = word[len(head):], width-room
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// printable is s with what could steer a terminal written as escapes: a server
// must not get at the screen of who looks at its answer.
func printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && harmless(r)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if harmless(r) {
			b.WriteString(s[i : i+n])
		} else {
			for _, c := range []byte(s[i : i+n]) {
				b.WriteString(`\x` + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
			}
		}
		i += n
	}
	return b.String()
}

func harmless(r rune) bool {
	return r == '\n' || r == '\t' || r != utf8.RuneError && unicode.IsPrint(r)
}
