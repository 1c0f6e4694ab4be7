// Package logs writes what FaceFusion 3.8.1 writes to standard error while it works: lines without
// a time, bars that overwrite themselves, and what libraries write in between.
//
// This package holds the text and its order; the caller decides when something happens.
package logs
