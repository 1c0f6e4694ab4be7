// Package statestorage is the extension state_storage: a storage extension for receivers and
// exporters whose state is worth keeping and never a condition. A damaged folder, a full disk and a
// folder that may not be written never keep the collector from starting or working;
// internal/recordlog is how.
package statestorage
