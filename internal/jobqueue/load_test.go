package jobqueue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

// BenchmarkThousandChangesASecond keeps up with 1,000 changes a second (budget: 20 % of a core,
// nothing lost). A change is a write or a rename. What the writing costs is measured first, without
// an observer, and taken off.
func BenchmarkThousandChangesASecond(b *testing.B) {
	for b.Loop() {
		silent, err := jobs.Open(b.TempDir())
		require.NoError(b, err)
		begin := cpuTime(b)
		_ = churn(b, silent, 2*time.Second)
		writing := cpuTime(b) - begin

		o := newOwner(b, time.Second)
		begin = cpuTime(b)
		n := churn(b, o.folder, 10*time.Second)
		o.until(b, func() bool { return ended(o.last) >= uint64(n) })
		used := cpuTime(b) - begin - 5*writing
		b.ReportMetric(100*used.Seconds()/10, "%core")
		require.Equal(b, uint64(n), ended(o.last))
	}
	b.ReportMetric(0, "ns/op")
}

// churn runs jobs for a while, and returns how many.
func churn(b *testing.B, folder *jobs.Manager, d time.Duration) int {
	// Of one job: created, a step added, submitted, moved, started, completed, moved
	const changes = 7
	begin, n := time.Now(), 0
	for ; time.Since(begin) < d; n++ {
		id := fmt.Sprint("nightly-", n)
		require.NoError(b, folder.Create(id, jobs.StepArgs{}))
		require.NoError(b, folder.Submit(id))
		require.NoError(b, folder.Start(id, 0))
		require.NoError(b, folder.Complete(id))
		time.Sleep(time.Until(begin.Add(time.Duration(n*changes) * time.Millisecond)))
	}
	return n
}

func cpuTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
