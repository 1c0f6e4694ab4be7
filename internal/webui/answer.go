package webui

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// errNotGradio says that an answer is JSON, but not the one that Gradio gives. The answer's text is
// not in it, on purpose.
var errNotGradio = errors.New("not an answer of gradio")

// maxQueueSize is far above what a memory could hold, and below what an int64 sum could not.
const maxQueueSize = 1 << 31

// maxTotal is the largest integer that a float64 holds exactly, as does everything up to it.
const maxTotal = 1 << 53

// parseLoop understands /startup-events: true for the first who asks (Gradio itself, while it
// launches), false from then on.
func parseLoop(body []byte) error {
	var triggered *bool
	if err := json.Unmarshal(body, &triggered); err != nil || triggered == nil {
		return errNotGradio
	}
	return nil
}

// parseQueue understands /queue/status: how many events wait. Those that run are not among them.
func parseQueue(body []byte) (int64, error) {
	var answer struct {
		Msg       string `json:"msg"`
		QueueSize *int64 `json:"queue_size"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Msg != "estimation" {
		return 0, errNotGradio
	}
	if answer.QueueSize == nil || *answer.QueueSize < 0 || *answer.QueueSize > maxQueueSize {
		return 0, errNotGradio
	}
	return *answer.QueueSize, nil
}

// parseApp understands /app_id: 64 random bits, so that a float64 would not do.
func parseApp(body []byte) (uint64, error) {
	var answer struct {
		AppID *uint64 `json:"app_id"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AppID == nil {
		return 0, errNotGradio
	}
	return *answer.AppID, nil
}

// functionStats is what Gradio says of one function since its process started.
type functionStats struct {
	requests      int64
	failed        reading.Value[int64]
	p50, p90, p99 reading.Value[float64]
}

// parseSummary understands /monitoring/summary. The result has an entry for each name in
// functionNames: a function that Gradio does not list was not used, and those that are not ours are
// summed up. waiting is how many events the queue holds.
func parseSummary(body []byte, waiting int64) (map[string]functionStats, error) {
	var answer struct {
		Functions map[string]*struct {
			SuccessRate   *float64 `json:"success_rate"`
			TotalRequests *int64   `json:"total_requests"`
			Percentiles   struct {
				P50 *float64 `json:"50th"`
				P90 *float64 `json:"90th"`
				P99 *float64 `json:"99th"`
			} `json:"process_time_percentiles"`
		} `json:"functions"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Functions == nil {
		return nil, errNotGradio
	}
	usages := make(map[string]functionStats, len(functionNames))
	for _, name := range functionNames {
		usages[name] = functionStats{failed: reading.Known[int64](0)}
	}
	for name, f := range answer.Functions {
		if f == nil || f.TotalRequests == nil || *f.TotalRequests < 0 || *f.TotalRequests > maxTotal {
			return nil, errNotGradio
		}
		u := functionStats{
			requests: *f.TotalRequests,
			failed:   failedOf(*f.TotalRequests, waiting, f.SuccessRate),
			p50:      seconds(f.Percentiles.P50),
			p90:      seconds(f.Percentiles.P90),
			p99:      seconds(f.Percentiles.P99),
		}
		if _, ours := usages[name]; !ours || name == functionOther {
			u = usages[functionOther].plus(u)
			name = functionOther
		}
		if u.requests > maxTotal {
			return nil, errNotGradio
		}
		usages[name] = u
	}
	return usages, nil
}

// plus sums two functions up; there is no percentile of both.
func (u functionStats) plus(v functionStats) functionStats {
	sum := functionStats{requests: u.requests + v.requests}
	if u.failed.Known && v.failed.Known {
		sum.failed = reading.Known(u.failed.V + v.failed.V)
	}
	return sum
}

// seconds takes what can be a duration; Gradio writes null for NaN.
func seconds(v *float64) reading.Value[float64] {
	if v == nil || *v < 0 || math.IsInf(*v, 0) || math.IsNaN(*v) {
		return reading.Value[float64]{}
	}
	return reading.Known(*v)
}
