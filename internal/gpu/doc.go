// Package gpu observes the GPUs of the host: their identities, health, readings, and their
// utilization since the last Collect.
//
// A Sampler observes in the background and publishes immutable snapshots. Each GPU has a worker
// goroutine of its own, because a call into the driver can block for ever and cannot be cancelled:
// a wedged GPU affects its own readings only. Latest and Collect never call the driver.
//
// The driver itself is behind the interfaces of driver.go. They return raw numbers in the driver's
// own units. This package alone decides whether a number is plausible, and converts it.
package gpu
