package gradio

import "slices"

// Tally keeps Gradio's analytics of its functions with Gradio's semantics: totals count a request
// when it joins the queue, rates and percentiles change when it ends. The zero value is ready to
// use.
type Tally struct {
	functions map[string]*record
}

type record struct {
	summary        FunctionSummary
	joined, failed int
	seconds        []float64
}

// Begin counts a request of the function.
func (t *Tally) Begin(function string) {
	if t.functions == nil {
		t.functions = map[string]*record{}
	}
	if t.functions[function] == nil {
		t.functions[function] = &record{}
	}
	t.functions[function].joined++
}

// End ends a request that began.
func (t *Tally) End(function string, seconds float64, ok bool) {
	r := t.functions[function]
	if ok {
		r.seconds = append(r.seconds, seconds)
	} else {
		r.failed++
	}
	for _, r := range t.functions {
		r.summarize()
	}
}

func (r *record) summarize() {
	r.summary = FunctionSummary{Requests: r.joined}
	succeeded := len(r.seconds)
	if ended := succeeded + r.failed; ended > 0 {
		rate := float64(succeeded) / float64(ended)
		r.summary.SuccessRate = &rate
	}
	// A request without a duration is a NaN among the durations, and numpy's percentile of those is
	// NaN, which is written as null.
	if succeeded == r.joined {
		sorted := slices.Sorted(slices.Values(r.seconds))
		r.summary.Percentiles = Percentiles{P50: percentile(sorted, 0.5), P90: percentile(sorted, 0.9), P99: percentile(sorted, 0.99)}
	}
}

// percentile interpolates as numpy does.
func percentile(sorted []float64, q float64) *float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	value := sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
	return &value
}

// Summary is the answer of /monitoring/summary: empty until the first request has ended.
func (t *Tally) Summary() map[string]FunctionSummary {
	functions := map[string]FunctionSummary{}
	for name, r := range t.functions {
		if r.summary.Requests > 0 {
			functions[name] = r.summary
		}
	}
	return functions
}
