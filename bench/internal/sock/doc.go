// Package sock holds many sockets open, and lists all that there are: by sonde's
// sockets package, and by ss.
package sock

// ChildEnv tells this program's binary what it is to be: a process that holds sockets,
// or one that lists all once. Its arguments say more.
const ChildEnv = "SONDE_BENCH_SOCK"
