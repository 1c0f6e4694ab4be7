//go:build e2e && ledger

package e2e

import (
	"testing"
	"time"
)

// TestLedgerOfRuns has 200 runs end, with a restart of the collector in the middle.
func TestLedgerOfRuns(t *testing.T) {
	ledgerPlan{headlessWorkers: 4, perHeadlessWorker: 30, ofWebUI: 40, ofQueue: 40, restartAfter: 90 * time.Second, quietFor: 20 * time.Second}.run(t)
}

// TestLedgerUnderLoad has 1,000 runs end while somebody else writes to the disk.
func TestLedgerUnderLoad(t *testing.T) {
	ledgerPlan{headlessWorkers: 10, perHeadlessWorker: 86, ofWebUI: 40, ofQueue: 100, restartAfter: 3 * time.Minute, quietFor: 20 * time.Second, busyDisk: true}.run(t)
}
