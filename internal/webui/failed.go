package webui

import (
	"math"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// maxUnfinished is how many events of a function may wait, run or have been cancelled before its failures cannot be told any more.
const maxUnfinished = 1 << 14

// failedOf reads the number of failures out of a success rate.
//
// Gradio divides the events that succeeded by those that succeeded or failed, and does not say how many those are: total counts
// what waits, runs and was cancelled, too. But the rate is exact, so only few numbers of ended events can have given it. The largest
// is taken: it is right whenever nothing is under way, and no failure goes unseen. While something is under way it may be too large
// (nothing but failures so far: the one that runs is taken for another).
func failedOf(total int64, successRate *float64) reading.Value[int64] {
	switch {
	case successRate == nil:
		// nothing has ended yet
		return reading.Known[int64](0)
	case math.IsNaN(*successRate) || *successRate < 0 || *successRate > 1:
		return reading.Value[int64]{}
	}
	for ended := total; ended > 0 && ended >= total-maxUnfinished; ended-- {
		succeeded := math.Round(*successRate * float64(ended))
		if succeeded/float64(ended) == *successRate {
			return reading.Known(ended - int64(succeeded))
		}
	}
	return reading.Value[int64]{}
}
