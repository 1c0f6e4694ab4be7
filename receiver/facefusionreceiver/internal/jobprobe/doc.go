// Package jobprobe translates what internal/jobqueue sees into metrics, events and traces.
//
// Here belong the section jobs of the configuration, the attributes of runs and steps, their spans,
// the outbox of what was not delivered yet, and the accounting of GPU use to runs. What a job file
// means, and how a run ended, is decided in internal/jobqueue.
package jobprobe
