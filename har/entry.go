package har

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"sonde"
	"sonde/trace"
)

// entries makes an entry of each response that was followed by another request (a
// redirect, a refusal that credentials answered, a status that was tried again), as
// far as events tell of it, and one of the call's final response.
func (c *record) entries(err error) []*entry {
	var line trace.Timeline
	if lines := trace.Timelines(c.events); len(lines) > 0 {
		line = lines[0]
	} else {
		line = trace.Timeline{Start: c.started, End: time.Since(c.started)} // answered without a connection
	}
	if c.head != nil {
		servedLast(line.Attempts)
	}
	var all []*entry
	from := 0
	for i, a := range line.Attempts {
		if a.Status != 0 && i+1 < len(line.Attempts) {
			all = append(all, c.passed(&line, line.Attempts[from:i+1]))
			from = i + 1
		}
	}
	e := c.entry(&line, line.Attempts[from:])
	c.respond(e, err)
	return append(all, e)
}

// servedLast moves the attempt that had the call's response behind the hedges that were
// begun after it, and lost.
func servedLast(attempts []trace.Attempt) {
	for i := len(attempts) - 1; i >= 0; i-- {
		if served := attempts[i]; served.Status != 0 {
			copy(attempts[i:], attempts[i+1:])
			attempts[len(attempts)-1] = served
			return
		}
	}
}

// entry is what attempts, of which the last one counts, say of one request.
func (c *record) entry(line *trace.Timeline, attempts []trace.Attempt) *entry {
	e := &entry{Request: c.request(attempts), Timings: timings{-1, -1, -1, 0, 0, 0, -1}}
	e.Response = response{Cookies: []cookie{}, Headers: []pair{}, HeadersSize: -1, BodySize: -1}
	begun := time.Duration(0)
	if len(attempts) == 0 {
		e.Time = millis(line.End)
		e.Timings.Wait = e.Time
	} else {
		last := &attempts[len(attempts)-1]
		first := attempts[0]
		if last.Number < first.Number {
			first = *last // it outran its hedges
		}
		if first.Number > 1 {
			begun = first.Start
		}
		e.Timings, e.Time = measure(last, begun)
		if len(attempts) > 1 {
			e.Attempts = len(attempts)
		}
		c.connect(e, last)
		if last.HeadWritten > 0 {
			e.Request.HeadersSize = last.HeadWritten
		}
		if last.HeadRead > 0 {
			e.Response.HeadersSize, e.Response.BodySize = last.HeadRead, last.BodyRead
		}
		e.Request.BodySize = last.BodyWritten
	}
	e.Started = line.Start.Add(begun).UTC().Format("2006-01-02T15:04:05.000000Z07:00")
	return e
}

func (c *record) connect(e *entry, a *trace.Attempt) {
	if a.Remote.IsValid() {
		e.ServerIP = a.Remote.Addr().String()
	}
	if a.Conn != 0 {
		e.Connection = strconv.FormatUint(a.Conn, 10)
	}
	e.Reused = a.Reused
	if a.Opened != trace.NoReason {
		e.WhyNew = a.Opened.String()
	}
	if a.Closed != trace.NoReason {
		e.WhyClosed = a.Closed.String()
	}
}

// request is what the last one of attempts sent.
func (c *record) request(attempts []trace.Attempt) request {
	method, url, fields := string(c.req.Method()), c.req.URL(), c.req.Header().All()
	if n := len(attempts); n > 0 {
		a := &attempts[n-1]
		if a.URL != "" {
			method, url = a.Method, a.URL
		}
		if sent := c.fields[a.Number]; len(sent) > 0 {
			fields = func(yield func(string, string) bool) {
				for _, f := range sent {
					if !yield(f.Name, f.Value) {
						return
					}
				}
			}
		}
	}
	r := request{
		Method: method, URL: text(trace.RedactURLs(url)), Version: "HTTP/1.1", Query: query(url),
		Cookies: c.r.cookies(fields), Headers: c.r.pairs(fields), HeadersSize: -1,
	}
	if c.sent != nil && c.sent.size > 0 && method == string(c.req.Method()) { // not that of a 303
		body := &postData{MediaType: c.req.Header().Get("Content-Type")}
		body.Text, body.Encoding, body.Comment = c.sent.text()
		r.PostData = body
	}
	return r
}

// passed is the entry of a response that another request followed. No more of its
// head than this reaches a middleware.
func (c *record) passed(line *trace.Timeline, attempts []trace.Attempt) *entry {
	e := c.entry(line, attempts)
	last := attempts[len(attempts)-1]
	e.Response.Status = last.Status
	e.Response.StatusText = phrase(last.Status)
	e.Response.Version, e.Response.RedirectURL = "HTTP/1.1", c.link(last.Redirect)
	e.Response.Content.Size = max(last.BodyRead, 0)
	return e
}

// phrase is the usual reason phrase of status.
func phrase(status int) string {
	_, text, _ := strings.Cut(sonde.Status(status).String(), " ")
	return text
}

func (c *record) link(url string) string {
	if !c.r.cfg.Secrets {
		url = trace.Redact("Location", url)
	}
	return text(url)
}

// respond completes the entry of the final response, or of the failure.
func (c *record) respond(e *entry, err error) {
	out := &e.Response
	if err != nil {
		out.Error = err.Error()
		var failed *sonde.Error
		if errors.As(err, &failed) && failed.Attempt > 0 && e.Comment == "" {
			e.Comment = "failed in phase " + string(failed.Op)
		}
	}
	if c.head == nil {
		return
	}
	fields := c.head.Header.All
	out.Status, out.StatusText = int(c.head.Status), text(c.head.Reason())
	out.Version = c.head.Proto.String()
	e.Request.Version = out.Version
	out.Headers, out.Cookies = c.r.pairs(fields()), c.r.setCookies(fields())
	out.RedirectURL = c.link(c.head.Header.Get("Location"))
	out.Content.MediaType = text(c.head.Header.Get("Content-Type"))
	out.Content.Size = c.got.size
	if out.BodySize >= 0 && c.got.size > out.BodySize {
		out.Content.Saved = c.got.size - out.BodySize
	}
	if c.r.cfg.ResponseBodies && c.got.size > 0 {
		out.Content.Text, out.Content.Encoding, out.Content.Comment = c.got.text()
	}
	if c.conn.Remote.IsValid() {
		e.ServerIP = c.conn.Remote.Addr().String()
	}
}
