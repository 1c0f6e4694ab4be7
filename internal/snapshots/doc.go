// Package snapshots holds the latest snapshot of each probe that another probe reads: which
// processes an instance has, who uses the GPUs. A snapshot that only its own probe reads stays in
// that probe. Snapshots are immutable; a reader takes no lock and waits for nobody.
package snapshots
