// Package poll runs an observation in the background: once at start, on every tick, and whenever it
// is triggered.
//
// It knows periods, triggers and what becomes of errors. What is observed, and what is done with
// it, is that of the probe that runs the loop.
package poll
