// Package reuse holds tests alone: what package inspect says about programs of
// clients that sonde does not link.
package reuse
