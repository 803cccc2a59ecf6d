// Package cookie keeps the cookies of a client as RFC 6265bis
// (draft-ietf-httpbis-rfc6265bis) says: a Jar is a value for sonde's Config.Jar.
//
// It follows the draft to the letter where that leaves no choice. Where it does:
//
//   - A connection is secure if it is https, or goes to the machine itself:
//     localhost, *.localhost, 127.0.0.0/8, ::1. Config.Secure says otherwise.
//   - SameSite is recorded, and None without Secure refused; a client that is no
//     browser has no other site from which a request could come, so nothing is
//     held back by it.
//   - A cookie lives for 400 days at most. 180 are kept per domain and 3,000 in
//     total; the draft's order says which go first.
//   - A host that ends with a dot is another one than that without, and has
//     cookies of its own only.
package cookie
