// Package compat holds tests alone: popular libraries that take an http.Client or an
// http.RoundTripper do the same over net/http's Transport and over nethttp's. Package
// reuse beside it has what the doctor says of other clients. It is a module of its own,
// so that nobody who uses sonde downloads them.
package compat
