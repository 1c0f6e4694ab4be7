// Package runlog is where the receiver and the processor of FaceFusion's log meet, which the
// Collector creates independently of each other in one process. The receiver publishes which
// instances and runs it knows, so that a line can be joined with the run that wrote it; the
// processor publishes what the lines say, so that a run shows its phases and its cause.
//
// The two find each other by the component id of the receiver (For). Either works without the
// other: what is not published is unknown.
package runlog
