// Package delivery brings the events and spans of the probes to the pipelines: a bounded queue for
// each signal, retries, a rate limit per kind of event, and the counts of what was accepted,
// refused, dropped and suppressed. What survives a restart belongs to the probes and to package
// outbox.
package delivery
