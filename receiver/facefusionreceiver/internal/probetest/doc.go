// Package probetest compares what a probe sends with a golden file beside its test.
//
// It belongs to the tests of probes: a sink that collects, and the comparison of metrics, logs and
// traces with what is checked in.
package probetest
