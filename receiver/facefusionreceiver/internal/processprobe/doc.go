// Package processprobe translates what internal/process sees into metrics and events.
//
// Here belong the section process of the configuration, the attributes of an instance and of a
// process, and the saved record of instances. Which process is FaceFusion's, and which instance it
// belongs to, is decided in internal/process; other probes read the result from internal/snapshots.
package processprobe
