package xid

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var listened = GPUAddress{UUID: "GPU-1", PCIAddress: "0000:41:00.0"}

// played replays reports of XID 31: k is a line of the kernel's log, d an event of the driver, a
// number a wait in milliseconds. It returns the count.
func played(x *Counter, script ...any) int64 {
	for _, step := range script {
		switch step {
		case "k":
			x.addKernelLine(kernelLine{"0000:41:00", 31, time.Duration(time.Now().UnixNano())})
		case "d":
			x.addDriverReport(DriverReport{UUID: listened.UUID, Code: 31}, time.Now())
		default:
			time.Sleep(time.Duration(step.(int)) * time.Millisecond)
		}
	}
	return x.byGPU[listened.UUID].byCode[31]
}

func TestEachXIDIsCountedOnceWhicheverSourceReportsIt(t *testing.T) {
	for name, c := range map[string]struct {
		script []any
		want   int64
	}{
		"only the driver":                     {[]any{"d"}, 1},
		"only the kernel":                     {[]any{"k"}, 1},
		"the driver first":                    {[]any{"d", 20, "k"}, 1},
		"the kernel first":                    {[]any{"k", 1200, "d"}, 1},
		"two of each, one after the other":    {[]any{"d", 1, "k", 200, "d", 1, "k"}, 2},
		"two of each, in pairs":               {[]any{"k", 200, "k", 1, "d", "d"}, 2},
		"the driver reports one of two":       {[]any{"k", 200, "k", 1, "d"}, 2},
		"the kernel reports one of two":       {[]any{"d", 1, "d", 1, "k"}, 2},
		"the driver reports the first":        {[]any{"d", 1, "k", 200, "k"}, 2},
		"lines of one error":                  {[]any{"k", 1, "k", 1, "k", 1, "d"}, 1},
		"lines of one error, reported before": {[]any{"d", 1, "k", 1, "k", 1, "k"}, 1},
		"lines over a slow console":           {[]any{"k", 60, "k", 60, "k", 60, "k", 60, "d"}, 1},
		"another one later":                   {[]any{"d", 1, "k", 6000, "k"}, 2},
		"too far apart to be the same":        {[]any{"d", 6000, "k"}, 2},
		"the same by the driver in a burst":   {[]any{"d", "d", "d"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := NewCounter(nil)
				x.Locate([]GPUAddress{listened})
				x.Register(listened.UUID, time.Now())
				require.Equal(t, c.want, played(x, c.script...))
				require.Len(t, x.events, int(c.want), "each is an event")
			})
		})
	}
}

// A repeated error does not count as one error with many lines.
func TestAStormOfTheKernelIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := NewCounter(nil)
		x.Locate([]GPUAddress{listened})
		for range 1000 {
			played(x, "k", 60)
		}
		require.Equal(t, int64(30), played(x), "each two seconds")
	})
}

func TestAnotherCodeAndAnotherGPUAreOtherXIDs(t *testing.T) {
	x := NewCounter(nil)
	x.Locate([]GPUAddress{listened, {UUID: "GPU-2", PCIAddress: "0000:42:00.0"}})
	x.Register(listened.UUID, time.Now())
	x.addDriverReport(DriverReport{UUID: listened.UUID, Code: 31}, time.Now())
	x.addKernelLine(kernelLine{"0000:41:00", 79, 0})
	x.addKernelLine(kernelLine{"0000:42:00", 31, 0})
	require.Equal(t, int64(1), x.byGPU["GPU-1"].byCode[31])
	require.Equal(t, int64(1), x.byGPU["GPU-1"].byCode[79])
	require.Equal(t, int64(1), x.byGPU["GPU-2"].byCode[31])
}

// The kernel reports XIDs of a GPU that the driver is still starting, and of GPUs that are not
// observed.
func TestXIDsWaitForTheirGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := NewCounter(nil)
		for range 2 * reportLimit {
			x.addKernelLine(kernelLine{"0000:99:00", 79, 0})
		}
		x.addKernelLine(kernelLine{"0:41:00", 79, 0})
		x.Locate(nil)
		require.Len(t, x.unlocated, reportLimit)
		time.Sleep(30 * time.Second)
		x.Locate([]GPUAddress{listened})
		require.Equal(t, int64(1), x.byGPU[listened.UUID].byCode[79])
		require.Len(t, x.events, 1)
		require.Equal(t, time.Now().Add(-30*time.Second), x.events[0].Time, "when it came")
		time.Sleep(31 * time.Second)
		x.Locate([]GPUAddress{listened})
		require.Empty(t, x.unlocated)
		require.Equal(t, int64(1), x.byGPU[listened.UUID].byCode[79])
	})
}

// Without event sets the registration is withdrawn, and the counts of the kernel's log stay.
func TestCountsOfTheKernelsLogStayWithoutEvents(t *testing.T) {
	x := NewCounter(nil)
	x.Locate([]GPUAddress{listened})
	x.addKernelLine(kernelLine{"0000:41:00", 79, 0})
	x.Register(listened.UUID, time.Now())
	x.Withdraw(listened.UUID)
	list, _, known := x.Counts(listened.UUID)
	require.True(t, known)
	require.Contains(t, list, Count{Code: 79, Count: 1})
}

// In a storm of reports, no more are kept than pairing needs.
func TestReportsAreBounded(t *testing.T) {
	x := NewCounter(nil)
	x.Locate([]GPUAddress{listened})
	x.Register(listened.UUID, time.Now())
	for i := range uint64(10_000) {
		x.addDriverReport(DriverReport{UUID: listened.UUID, Code: i}, time.Now())
		x.addKernelLine(kernelLine{"0000:41:00", 10_000 + i, 0})
	}
	c := x.byGPU[listened.UUID]
	require.LessOrEqual(t, len(c.unpaired), reportLimit)
	require.LessOrEqual(t, len(c.bursts), codesLimit)
	require.Len(t, x.events, eventLimit)
}
