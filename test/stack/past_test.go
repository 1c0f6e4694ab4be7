//go:build stack

package stack

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/test/stack/history"
)

// testPast compares the label names of the scraped series with those of the history, so that
// answers from the history hold for real series.
func testPast(t *testing.T, p *prometheus, past []history.Series) {
	before := map[string]bool{}
	for _, s := range past {
		before[form(s.Labels.Map())] = true
	}
	now := p.live(t, `, job!~"prometheus|alertmanager"`)
	require.Greater(t, len(now), 1000)
	for _, s := range now {
		require.True(t, before[form(s)], "no series of the history has the labels of %v", s)
	}
}

// testIncidents: the incidents of the history raised their alerts, and no others fired.
func testIncidents(t *testing.T, p *prometheus, end time.Time) {
	var fired []string
	for _, r := range p.at(t, `count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[1d]))`, end.Add(-time.Minute)) {
		fired = append(fired, r.Metric["alertname"])
	}
	must := []string{
		"FaceFusionJobOrphaned",     // history.Orphan
		"HighGPUUsage",              // history.Crowd
		"GPUThermalThrottling",      // history.Heat
		"GPUXid", "GPUMemoryErrors", // history.Bits
		"FaceFusionServerSaturated", // history.Saturated
		"FaceFusionServerDown",      // history.Down
		"FaceFusionJobStalled",      // history.Stalled
		"FaceFusionSuccessBurnFast", // history.Burst
		"Watchdog",
	}
	// These depend on the hour at which the crowd comes, on what waits when a job hangs, and on how
	// long the jobs of the warm GPU were. The last three follow from the saturated server, from how
	// the simulator's processes end, and from the link of the fake driver.
	may := []string{
		"FaceFusionSlowerThanLastWeek", "FaceFusionQueueGrowing", "FaceFusionQueueNotMoving", "FaceFusionRequestsFailing", "FaceFusionTimeBurnFast", "FaceFusionTimeBurnSlow",
		"FaceFusionJobWaitsLong", "FaceFusionWebSlow", "FaceFusionStartFailed", "GPULinkSlow",
		// Those that wait for others to tell it.
		"FaceFusionCrashed", "FaceFusionJobsFailing", "FaceFusionSuccessBurnSlow",
	}
	require.Subset(t, fired, must)
	require.Subset(t, append(must, may...), fired)
}

// form is a metric with the names of its labels.
func form(series map[string]string) string {
	return series["__name__"] + " " + strings.Join(slices.Sorted(func(yield func(string) bool) {
		for name := range series {
			if name != "__name__" && !yield(name) {
				return
			}
		}
	}), ",")
}
