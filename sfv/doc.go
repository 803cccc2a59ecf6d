// Package sfv parses and serializes structured field values (RFC 9651): items,
// lists and dictionaries, as used by Priority, Cache-Status, Signature-Input
// and most fields defined since 2021.
//
// The functions come in pairs, Parse and Append, one pair for each of the three
// kinds of field. A specification says which kind a field is; the text alone
// does not. The Parse functions take the field lines as they were received and
// combine them (RFC 9651, section 4.2):
//
//	list, err := sfv.ParseList(lines...)
//
// Parsing is strict: one bad byte fails the whole field, and section 4.2 then
// asks the caller to go on as if the field were absent. An absent field is a
// list or dictionary without members, but it is not an item.
//
// What a peer may cost is bounded: a field longer than 256 KiB is refused, and
// the time and memory that a shorter one takes grow linearly with its length.
// All functions are pure and safe for concurrent use. Parsed strings, tokens and
// keys may be parts of the field line, which they keep in memory; parsed byte
// sequences are the caller's own.
package sfv

// Contract of this package: text in, values out, and back. No I/O, no clock, no
// knowledge of any particular field. The parser and the serializer of a noun
// stand side by side in the file named after it.
