// Package dns reads DNS messages (RFC 1035) off the wire, for showing them: of
// UDP datagrams, of TCP streams where a length stands before each, and of
// multicast DNS.
//
// Parse fills a [Message] that may be reused. Names and data are text in
// presentation form, escaped, so they may be printed as they are.
package dns

// Contract of this package: bytes in, values out. The work for a message is
// bounded by its length and by maxRecords: names may point at other names, but
// only backwards, and are no longer than RFC 1035 allows.
