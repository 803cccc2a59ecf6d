package inspect

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"sonde/capture/decode"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// maxRows bounds the connections on a page, and the servers.
const maxRows = 1000

// page is what the template shows.
type page struct {
	*Report
	Headline, Seen, Length, Hidden, MoreOrigins string

	Origins []pageOrigin
	Rows    []row
}

type pageOrigin struct {
	Origin
	Retransmits int
	First       string
}

// row is a connection on the axis of time; places and widths are in percent.
type row struct {
	Who, Title, End string
	Left, Width, At float64
	Bars            []bar
}

type bar struct {
	Left, Width float64
	Cut         bool
	Title       string
}

// WriteHTML writes the report as one page that needs nothing else: the verdict, and
// a line of time for each connection that is kept, with its requests, its idle
// stretches and its end.
func (r *Report) WriteHTML(w io.Writer) error {
	p := page{Report: r, Headline: r.headline(), Seen: r.seen(), Length: short(r.End.Sub(r.Start))}
	for _, o := range r.Origins[:min(len(r.Origins), maxRows)] {
		line := pageOrigin{o, o.Sent.Retransmits + o.Received.Retransmits, ""}
		line.Names = make([]string, len(o.Names))
		for n, name := range o.Names {
			line.Names[n] = escaped(name)
		}
		if o.Median > 0 {
			line.First = short(o.Median)
		}
		p.Origins = append(p.Origins, line)
	}
	if n := len(r.Origins) - len(p.Origins); n > 0 {
		p.MoreOrigins = fmt.Sprintf("%s more are not shown.", plural(n, "server"))
	}
	conns := r.Conns
	if hidden := r.Forgotten + max(len(conns)-maxRows, 0); hidden > 0 {
		p.Hidden = fmt.Sprintf("%s more, earlier, are not shown.", plural(hidden, "connection"))
		conns = conns[max(len(conns)-maxRows, 0):]
	}
	for n := range conns {
		p.Rows = append(p.Rows, r.row(&conns[n]))
	}
	return pageTemplate.Execute(w, p)
}

// percent is where a moment is on the axis.
func (r *Report) percent(t time.Time) float64 {
	whole := r.End.Sub(r.Start)
	if whole <= 0 {
		return 0
	}
	return min(max(100*float64(t.Sub(r.Start))/float64(whole), 0), 100)
}

func (r *Report) row(c *Conn) row {
	end := c.End.At
	if end.IsZero() {
		end = r.End
	}
	l := row{
		Who:   fmt.Sprintf("%d %s → %s", c.Number, c.Client, c.Server),
		Title: string(c.AppendText(nil)) + "\nopened: " + c.Why,
		Left:  r.percent(c.Opened),
		At:    r.percent(end),
	}
	l.Width = l.At - l.Left
	switch {
	case c.End.How == Open:
	case c.End.First == NoSide:
		l.End = "gone"
	default:
		l.End = c.End.First.String()
	}
	for n := range c.Exchanges {
		l.Bars = append(l.Bars, r.bar(&c.Exchanges[n], end))
	}
	return l
}

// escaped is what came from the wire, fit to be shown: a page may be read in a
// terminal too.
func escaped(s string) string { return string(decode.AppendEscaped(nil, s)) }

func (r *Report) bar(x *Request, end time.Time) bar {
	from, to := x.Start, x.End
	if from.IsZero() {
		from = x.FirstByte
	}
	if to.IsZero() {
		to = end
	}
	b := bar{Left: r.percent(from), Cut: !x.Complete, Title: escaped(x.Method + " " + x.Target)}
	b.Width = max(r.percent(to)-b.Left, 0)
	if x.Status != 0 {
		b.Title += fmt.Sprintf(" %d", x.Status)
	}
	b.Title += fmt.Sprintf(", %s, %d packets there, %d back", short(to.Sub(from)), x.Sent.Packets, x.Received.Packets)
	if x.Problem != "" {
		b.Title += ", " + escaped(x.Problem)
	}
	return b
}
