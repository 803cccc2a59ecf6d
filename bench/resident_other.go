//go:build !linux

package main

import "runtime"

// resident is what the runtime has of the system and has not given back: here
// nothing better is known.
func resident(m *runtime.MemStats) int64 { return int64(m.Sys - m.HeapReleased) }

func noHugePages() {}
