// Package checkpoint saves on a storage extension of the Collector what must survive a restart of
// it: the state of each probe, and the events and spans that were not delivered yet. What the
// saved values mean belongs to the probes; how undelivered entries are laid out belongs to
// package outbox.
package checkpoint
