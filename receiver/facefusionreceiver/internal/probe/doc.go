// Package probe says what a probe is: one thing that is observed in the background and scraped, and
// that may emit events.
//
// Here belongs what all probes share: the interface to the receiver (Probe, Env, Sink, Result), the
// specification of a histogram, and small helpers for pdata. What only one probe needs is that
// probe's.
package probe
