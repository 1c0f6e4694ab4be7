package webui

import (
	"math"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// maxUnfinished is how many events of a function may wait, run or have been cancelled before its
// failures are unknown.
const maxUnfinished = 1 << 14

// failedOf reads the number of failures out of a success rate. It may be late, and is never too
// high.
//
// Gradio divides the events that succeeded by those that succeeded or failed, and does not say how
// many those are: total counts what waits, runs and was cancelled, too. But the rate is exact, so
// only few numbers of ended events can have given it. A function has one event under way at a time,
// and no more wait than the whole queue holds; so the number of ended events is looked for among
// the numbers that this leaves, and of several that can have given the rate the one with the fewest
// failures is taken. Where none can (events were cancelled), the next one below is.
func failedOf(total, waiting int64, successRate *float64) reading.Value[int64] {
	switch {
	case successRate == nil:
		// nothing has ended yet
		return reading.Known[int64](0)
	case math.IsNaN(*successRate) || *successRate < 0 || *successRate > 1:
		return reading.Value[int64]{}
	}
	fewest := reading.Value[int64]{}
	for ended := total; ended > 0 && ended >= total-maxUnfinished; ended-- {
		if ended < total-1-waiting && fewest.Known {
			break
		}
		succeeded := math.Round(*successRate * float64(ended))
		if failed := ended - int64(succeeded); succeeded/float64(ended) == *successRate && (!fewest.Known || failed < fewest.V) {
			fewest = reading.Known(failed)
		}
	}
	return fewest
}
