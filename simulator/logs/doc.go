// Package logs writes what FaceFusion 3.8.1 writes to standard error while it works: lines without
// a time, bars that overwrite themselves, and what libraries write in between.
//
// Here belongs the text and its order; when something happens is decided by whoever calls.
package logs
