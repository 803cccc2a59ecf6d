// Package examples holds short programs that anyone can read and run, one folder
// each: go run ./examples/sequential. Each starts the server that it needs.
//
// Those named nethttp-… do with net/http what the one of the same name does with
// sonde; together they are the experiments of sonde lab, without its witnesses.
package examples
