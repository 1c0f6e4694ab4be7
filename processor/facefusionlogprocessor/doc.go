// Package facefusionlogprocessor turns what a reader takes from FaceFusion's standard error into
// log records with time, severity, module and meaning, and joins them with the run that the
// facefusion receiver of the same collector knows.
//
// A record that comes in is a piece of a stream: of any size, cut anywhere (file_log with encoding
// nop, Docker's json-file, CRI), or a line of it (journald). internal/logstream understands the
// stream; internal/runlog is where the receiver is met.
package facefusionlogprocessor

//go:generate go tool -modfile=../../.ci/tools/go.mod mdatagen metadata.yaml
