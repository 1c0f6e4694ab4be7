package webui_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// summary is an answer with one function.
func summary(name string, rate string, total int) string {
	return fmt.Sprintf(`{"functions":{%q:{"success_rate":%s,"process_time_percentiles":{"50th":1.5,"90th":2.5,"99th":3.5},"total_requests":%d}}}`, name, rate, total)
}

func functionNamed(t *testing.T, s webui.Server, name string) webui.Function {
	t.Helper()
	for _, f := range s.Functions {
		if f.Name == name {
			return f
		}
	}
	require.Fail(t, "no such function", name)
	return webui.Function{}
}

// seen is what a pass says of the function run.
func seen(t *testing.T, snapshot *webui.Snapshot) (requests, failed int64) {
	t.Helper()
	for _, s := range snapshot.Servers {
		if s.Port == 7860 {
			f := functionNamed(t, s, "run")
			require.True(t, f.Failed.Known)
			return f.Requests, f.Failed.V
		}
	}
	require.Fail(t, "no such server")
	return 0, 0
}

func TestRequestsAreCounted(t *testing.T) {
	type step struct {
		process        string
		port           int
		rate           string
		total          int
		requests, fail int64
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"what was counted before the collector looked is not ours", []step{
			{"1/1", 7860, "0.5", 8, 0, 0},
			{"1/1", 7860, "0.5", 10, 2, 1},
		}},
		{"a process that starts while we look counts from zero", []step{
			{"1/1", 0, "null", 0, 0, 0},
			{"1/1", 7860, "0.5", 8, 8, 4},
		}},
		{"totals outlive the process", []step{
			{"1/1", 7860, "1.0", 8, 0, 0},
			{"1/1", 7860, "0.9", 10, 2, 1},
			{"", 0, "", 0, 2, 1},
			{"2/2", 7860, "0.0", 1, 3, 2},
			{"2/2", 7860, "0.5", 4, 6, 3},
			{"3/3", 7860, "1.0", 4, 10, 3},
		}},
		{"a server that counts less than before is another one", []step{
			{"1/1", 7860, "1.0", 8, 0, 0},
			{"1/1", 7860, "1.0", 9, 1, 0},
			{"1/1", 7860, "0.5", 2, 3, 1},
		}},
		{"failures never decrease", []step{
			{"1/1", 0, "null", 0, 0, 0},
			// the first has failed and the second runs: two that failed look the same, and are not
			// counted before it is certain
			{"1/1", 7860, "0.0", 2, 2, 1},
			{"1/1", 7860, "0.5", 2, 2, 1},
			{"1/1", 7860, "0.25", 4, 4, 3},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				s := h.serve(7860)
				for i, step := range tt.steps {
					s.play(h.idle.with("/monitoring/summary", 200, summary("run", step.rate, step.total)))
					var targets []webui.Target
					if step.process != "" {
						targets = append(targets, h.process(step.process, step.port))
					}
					var snapshot *webui.Snapshot
					for range 3 {
						snapshot = h.pass(targets...)
					}
					if step.process != "" && step.port == 0 {
						continue
					}
					requests, failed := seen(t, snapshot)
					assert.Equal(t, step.requests, requests, "requests at step %d", i)
					assert.Equal(t, step.fail, failed, "failures at step %d", i)
				}
			})
		})
	}
}

// Behind a configured endpoint only the app's id distinguishes one process from the next.
func TestConfiguredEndpointRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		endpoint := h.process("", 7860)
		play := func(id string, total int) {
			s.play(h.idle.with("/monitoring/summary", 200, summary("run", "1.0", total)).
				with("/gradio_api/app_id", 200, `{"app_id":`+id+`}`))
		}
		play("18446744073709551615", 5)
		h.pass(endpoint)
		play("18446744073709551614", 7)
		var snapshot *webui.Snapshot
		for range 4 {
			snapshot = h.pass(endpoint)
		}
		requests, _ := seen(t, snapshot)
		assert.Equal(t, int64(7), requests)
	})
}

func TestFunctionsAreKnownOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		s.play(h.idle.with("/monitoring/summary", 200, summary("run", "1.0", 8)))
		run := functionNamed(t, only(t, h.pass(h.process("1/1", 7860))), "run")
		assert.Equal(t, reading.Known(1.5), run.P50)
		assert.Equal(t, reading.Known(2.5), run.P90)
		assert.Equal(t, reading.Known(3.5), run.P99)

		s.play(h.idle, "/gradio_api/startup-events")
		h.pass(h.process("1/1", 7860))
		assert.Empty(t, only(t, h.pass(h.process("1/1", 7860))).Functions, "a server that hangs says nothing")

		run = functionNamed(t, only(t, h.pass()), "run")
		assert.Equal(t, webui.Function{Name: "run", Failed: reading.Known[int64](0)}, run, "the totals of a process that is gone are final")

		s.play(h.idle.with("/monitoring/summary", 500, ""))
		assert.Empty(t, only(t, h.pass(h.process("2/2", 7860))).Functions)
	})
}

func TestOtherFunctionsAreSummedUp(t *testing.T) {
	got, _ := observeOnce(t, readRecording(t, "5.50.0").Moments["idle"].with("/monitoring/summary", 200, `{"functions":{
		"run":{"success_rate":1,"process_time_percentiles":{},"total_requests":1},
		"update_preview_image":{"success_rate":0.5,"process_time_percentiles":{"50th":1,"90th":2,"99th":3},"total_requests":20},
		"update_preview_image_1":{"success_rate":1,"process_time_percentiles":{"50th":1,"90th":2,"99th":3},"total_requests":300},
		"other":{"success_rate":0.75,"process_time_percentiles":{"50th":1,"90th":2,"99th":3},"total_requests":4000}
	}}`))
	assert.Equal(t, webui.Function{Name: "other", Requests: 4320, Failed: reading.Known[int64](1010), Own: webui.Calls{Requests: 4320, Failed: reading.Known[int64](1010)}}, functionNamed(t, got, "other"))
	assert.Equal(t, webui.Function{Name: "run", Requests: 1, Failed: reading.Known[int64](0), Own: webui.Calls{Requests: 1, Failed: reading.Known[int64](0)}}, functionNamed(t, got, "run"))
}

// TestViewers are counted after the polls of open tabs, twice a second each.
func TestViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		polls := 0
		pass := func(more int) reading.Value[int64] {
			polls += more
			s.play(h.idle.with("/monitoring/summary", 200, summary("read_logs", "1.0", polls)))
			h.tracker.AskStatistics()
			return only(t, h.pass(h.process("1/1", 7860))).Viewers
		}
		assert.False(t, pass(0).Known, "one answer tells no rate")
		assert.Equal(t, reading.Known[int64](0), pass(0))
		assert.Equal(t, reading.Known[int64](1), pass(10), "5 seconds")
		assert.Equal(t, reading.Known[int64](3), pass(29), "a server that is slow answers a little less often")
		assert.Equal(t, reading.Known[int64](0), pass(2), "a tab that was opened and closed")
		polls = 0
		assert.Equal(t, reading.Known[int64](1), func() reading.Value[int64] { pass(0); return pass(10) }(), "a new process")
	})
}

// TestStatisticsAreHadAtOnceWhenTheyAreAwaited and not with the next that are due.
func TestStatisticsAreHadAtOnceWhenTheyAreAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s := h.serve(7860)
		pass := func(total int) int64 {
			s.play(h.idle.with("/monitoring/summary", 200, summary("run", "1.0", total)))
			return functionNamed(t, only(t, h.pass(h.process("1/1", 7860))), "run").Own.Requests
		}
		assert.EqualValues(t, 1, pass(1))
		assert.EqualValues(t, 1, pass(2), "not due")
		h.tracker.AskStatistics()
		assert.EqualValues(t, 3, pass(3))
		assert.EqualValues(t, 3, pass(4))
	})
}
