// Package serve is the other side of the measurements: a server in a process of
// its own, which does as little as an answer can take. It looks at the path of a
// request and at nothing else, and sends bytes that were made beforehand.
//
// What may not live here: anything that a real server would need.
package serve
