package logstream

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream/logtest"
)

// TestWhatRunsIsAsItsBarSays plays each recording at its own pace and at 1,000 times that: at each
// record of a bar, progress is the bar's, and the time left what the rate says. Rates that are
// shown meanwhile are as exact as the whole seconds that a bar tells; those of ended phases, and
// how long these took, are compared by the tests beside this.
func TestWhatRunsIsAsItsBarSays(t *testing.T) {
	for name, data := range recordings(t) {
		for _, speed := range []time.Duration{1, 1000} {
			t.Run(name, func(t *testing.T) {
				s := NewStream(Settings{}, func(Record) {})
				at := epoch
				for _, w := range logtest.Writes(data) {
					at = at.Add(w.After / speed)
					s.Write(at, w.Data)
					bar, ok := logtest.ReadBar(w.Data)
					if !ok {
						continue
					}
					open := s.Open()
					i := slices.IndexFunc(open, func(run PhaseRun) bool {
						return string(run.Phase) == bar.Phase && run.Frames == bar.Frames && run.Total == bar.Total && run.Updated.Equal(at)
					})
					if bar.Total > 0 && bar.Frames == bar.Total || !bar.Alone {
						continue // what is reported is its end
					}
					require.GreaterOrEqual(t, i, 0, "%s %d/%d", bar.Phase, bar.Frames, bar.Total)
					requireAsBar(t, &open[i], bar)
				}
			})
		}
	}
}

func requireAsBar(t *testing.T, run *PhaseRun, bar logtest.BarLine) {
	t.Helper()
	if bar.Total > 0 {
		require.InDelta(t, float64(bar.Frames)/float64(bar.Total), run.Fraction(), 0.001)
	}
	if run.Left >= 0 && run.Rate > 0 && bar.Frames < bar.Total {
		require.InEpsilon(t, float64(bar.Total-bar.Frames)/run.Rate, run.Left.Seconds(), 0.02)
	}
}
