// Package gpu observes the GPUs of the host: their identities, health, readings, and their
// utilization since the last Collect.
//
// A Sampler observes in the background and publishes immutable snapshots. Each GPU has a worker
// goroutine of its own, because a call into the driver can block for ever and cannot be cancelled:
// a wedged GPU costs its own readings only. Readers (Latest, Collect) never touch the driver.
//
// The driver itself is behind the interfaces of driver.go. They pass on raw numbers in the driver's
// own units; whether a number can be true is decided here, once.
package gpu
