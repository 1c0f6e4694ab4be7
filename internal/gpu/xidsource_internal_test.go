package gpu

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var listened = Identity{UUID: "GPU-1", PCIAddress: "0000:41:00.0"}

// heard plays reports of XID 31: k is a line of the kernel's log, d an event of the driver, a number a wait in milliseconds.
func heard(x *xids, script ...any) int64 {
	for _, step := range script {
		switch step {
		case "k":
			x.hear(kernelXID{"0000:41:00", 31, time.Duration(time.Now().UnixNano())})
		case "d":
			x.count(XIDEvent{UUID: listened.UUID, Code: 31}, time.Now())
		default:
			time.Sleep(time.Duration(step.(int)) * time.Millisecond)
		}
	}
	return x.byGPU[listened.UUID].counts[31]
}

func TestEachXIDIsCountedOnceWhoeverTellsOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		script []any
		want   int64
	}{
		"only the driver":                   {[]any{"d"}, 1},
		"only the kernel":                   {[]any{"k"}, 1},
		"the driver first":                  {[]any{"d", 20, "k"}, 1},
		"the kernel first":                  {[]any{"k", 1200, "d"}, 1},
		"two of each, one after the other":  {[]any{"d", 1, "k", 200, "d", 1, "k"}, 2},
		"two of each, in pairs":             {[]any{"k", 200, "k", 1, "d", "d"}, 2},
		"the driver tells of one of two":    {[]any{"k", 200, "k", 1, "d"}, 2},
		"the kernel tells of one of two":    {[]any{"d", 1, "d", 1, "k"}, 2},
		"the driver tells of the first":     {[]any{"d", 1, "k", 200, "k"}, 2},
		"lines of one error":                {[]any{"k", 1, "k", 1, "k", 1, "d"}, 1},
		"lines of one error, told before":   {[]any{"d", 1, "k", 1, "k", 1, "k"}, 1},
		"lines over a slow console":         {[]any{"k", 60, "k", 60, "k", 60, "k", 60, "d"}, 1},
		"another one later":                 {[]any{"d", 1, "k", 6000, "k"}, 2},
		"too far apart to be the same":      {[]any{"d", 6000, "k"}, 2},
		"the same by the driver in a burst": {[]any{"d", "d", "d"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var x xids
				x.locate([]Identity{listened})
				x.register(listened.UUID, time.Now())
				require.Equal(t, c.want, heard(&x, c.script...))
				require.Len(t, x.fresh, int(c.want), "each is an event")
			})
		})
	}
}

// An error that comes again and again is not one error with many lines.
func TestAStormOfTheKernelIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x xids
		x.locate([]Identity{listened})
		for range 1000 {
			heard(&x, "k", 60)
		}
		require.Equal(t, int64(30), heard(&x), "each two seconds")
	})
}

func TestAnotherCodeAndAnotherGPUAreOtherXIDs(t *testing.T) {
	var x xids
	x.locate([]Identity{listened, {UUID: "GPU-2", PCIAddress: "0000:42:00.0"}})
	x.register(listened.UUID, time.Now())
	x.count(XIDEvent{UUID: listened.UUID, Code: 31}, time.Now())
	x.hear(kernelXID{"0000:41:00", 79, 0})
	x.hear(kernelXID{"0000:42:00", 31, 0})
	require.Equal(t, int64(1), x.byGPU["GPU-1"].counts[31])
	require.Equal(t, int64(1), x.byGPU["GPU-1"].counts[79])
	require.Equal(t, int64(1), x.byGPU["GPU-2"].counts[31])
}

// The kernel tells of a GPU that the driver is still starting. It also tells of those that are not watched.
func TestXIDsWaitForTheirGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x xids
		for range 2 * reportLimit {
			x.hear(kernelXID{"0000:99:00", 79, 0})
		}
		x.hear(kernelXID{"0:41:00", 79, 0})
		x.locate(nil)
		require.Len(t, x.unlocated, reportLimit)
		time.Sleep(30 * time.Second)
		x.locate([]Identity{listened})
		require.Equal(t, int64(1), x.byGPU[listened.UUID].counts[79])
		require.Len(t, x.fresh, 1)
		require.Equal(t, time.Now().Add(-30*time.Second), x.fresh[0].Time, "when it came")
		time.Sleep(31 * time.Second)
		x.locate([]Identity{listened})
		require.Empty(t, x.unlocated)
		require.Equal(t, int64(1), x.byGPU[listened.UUID].counts[79])
	})
}

// A driver without events takes back its registration, and the counts of the kernel's log stay.
func TestWhatTheKernelToldStaysWithoutEvents(t *testing.T) {
	var x xids
	x.locate([]Identity{listened})
	x.hear(kernelXID{"0000:41:00", 79, 0})
	x.register(listened.UUID, time.Now())
	x.withdraw(listened.UUID)
	devices := []Device{{Identity: listened}}
	x.tell(devices)
	require.Contains(t, devices[0].XIDs.V, XIDCount{Code: 79, Count: 1})
}

// A storm of reports keeps no more than is needed to know pairs.
func TestReportsAreBounded(t *testing.T) {
	var x xids
	x.locate([]Identity{listened})
	x.register(listened.UUID, time.Now())
	for i := range uint64(10_000) {
		x.count(XIDEvent{UUID: listened.UUID, Code: i}, time.Now())
		x.hear(kernelXID{"0000:41:00", 10_000 + i, 0})
	}
	c := x.byGPU[listened.UUID]
	require.LessOrEqual(t, len(c.reports), reportLimit)
	require.LessOrEqual(t, len(c.bursts), processLimit)
	require.Len(t, x.fresh, freshXIDs)
}
