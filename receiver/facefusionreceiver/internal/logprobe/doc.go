// Package logprobe gives the facefusion_log processor what the receiver knows of instances, and
// translates what the processor reads from FaceFusion's log into metrics.
//
// How a log is split into records and what a record says is decided in internal/logstream, which
// run it belongs to in internal/runlog.
package logprobe
