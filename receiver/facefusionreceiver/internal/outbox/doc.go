// Package outbox lays out in a key-value store the events and spans that were not delivered yet.
// They are saved in the transaction that saves what they report, and deleted when the pipeline
// has taken them: a collector that is killed between the two sends them again after its start.
package outbox
