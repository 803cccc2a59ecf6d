// Package peer makes the same work of every client that is compared. One file is
// one client, and the door to its package.
//
// Each client is used the way its authors mean it to be used when speed counts:
// one client for all workers, requests made once and sent again where the client
// allows that, as many idle connections as there are workers.
package peer
