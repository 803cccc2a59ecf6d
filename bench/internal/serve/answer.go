package serve

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Paths of requests. Each begins with another letter, which is all that the
// server looks at.
const (
	Small   = "/small"   // a body of 200 bytes
	Headers = "/headers" // 20 fields and a body of 10 KB
	Close   = "/close"   // the small answer, then the connection is closed
	Wait    = "/wait?"   // and a number: the small answer once so many wait
	Down    = "/down"    // the file
	Up      = "/up"      // takes a body and answers with its length
)

const (
	smallBody = 200
	largeBody = 10 << 10
)

const commonFields = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\nServer: bench\r\nContent-Type: text/plain\r\n"

// The answers, as they are on the wire.
var (
	small   = answer(commonFields, smallBody)
	headers = answer(commonFields+manyFields(), largeBody)
	closing = answer(commonFields+"Connection: close\r\n", smallBody)
)

func answer(fields string, size int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", fields, size, text(size))
}

// text is size bytes of text.
func text(size int) string {
	const line = "The quick brown fox jumps over the lazy dog, again and again.\n"
	return strings.Repeat(line, size/len(line)+1)[:size]
}

// manyFields are 16, which make 20 with the common ones and Content-Length.
func manyFields() string {
	return "Cache-Control: private, max-age=0, must-revalidate\r\n" +
		"Etag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n" +
		"Last-Modified: Sun, 01 Jan 2006 11:22:33 GMT\r\n" +
		"Expires: Mon, 02 Jan 2006 15:04:05 GMT\r\n" +
		"Vary: Accept-Encoding, Origin\r\n" +
		"Accept-Ranges: bytes\r\n" +
		"Content-Language: en\r\n" +
		"Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"X-Frame-Options: SAMEORIGIN\r\n" +
		"Referrer-Policy: strict-origin-when-cross-origin\r\n" +
		"X-Request-Id: 7b0f8c1e-91d5-4f0e-9a3a-3f6a2f0c9d11\r\n" +
		"X-Ratelimit-Limit: 5000\r\n" +
		"X-Ratelimit-Remaining: 4987\r\n" +
		"Access-Control-Allow-Origin: https://app.example.com\r\n" +
		"Set-Cookie: session=4f1c7d0a9be24c0f; Path=/; HttpOnly; SameSite=Lax\r\n"
}

var headEnd = []byte("\r\n\r\n")

// head finds the end of a request head, -1 if it is not all there.
func head(request []byte) int {
	if at := bytes.Index(request, headEnd); at >= 0 {
		return at + len(headEnd)
	}
	return -1
}

// kind is the letter that tells one path from another.
func kind(request []byte) byte {
	if at := bytes.IndexByte(request, '/'); at >= 0 && at+1 < len(request) {
		return request[at+1]
	}
	return 0
}

// waitFor is the number in a Wait request.
func waitFor(request []byte) int {
	_, rest, _ := bytes.Cut(request, []byte("?"))
	digits, _, _ := bytes.Cut(rest, []byte(" "))
	n, _ := strconv.Atoi(string(digits))
	return n
}

// contentLength is that of a request head, 0 if it has none.
func contentLength(request []byte) int64 {
	_, rest, found := bytes.Cut(bytes.ToLower(request), []byte("\r\ncontent-length:"))
	if !found {
		return 0
	}
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	return n
}
