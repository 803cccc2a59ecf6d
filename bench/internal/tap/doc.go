// Package tap runs programs that capture packets, sonde's and others', one after
// another under the same load, and says what each of them cost.
//
// What goes over the wires goes over a pair of virtual ones between two network
// namespaces, or over the loopback of one of them. Nothing names the namespaces and
// no process is needed to keep them: they go with this one, however it ends.
package tap

// ChildEnv tells this program's binary what it is to be: a load, or a capture. Its
// arguments say more.
const ChildEnv = "SONDE_BENCH_TAP"
