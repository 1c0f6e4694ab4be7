// Package poll runs an observation in the background: once at start, on every tick, and whenever it
// is triggered.
//
// It handles intervals, triggers and errors. The probe that runs the loop decides what is observed
// and what is done with it.
package poll
