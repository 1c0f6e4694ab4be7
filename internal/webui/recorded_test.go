package webui_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// observeOnce looks at a real server that plays the moment, as at a process that starts to listen
// while we look.
func observeOnce(t *testing.T, m replayedMoment) (webui.Server, []string) {
	t.Helper()
	return observeTimes(t, m, 1)
}

func observeTimes(t *testing.T, m replayedMoment, times int) (webui.Server, []string) {
	t.Helper()
	s := &fakeServer{}
	s.play(m)
	ts := httptest.NewServer(s)
	defer ts.Close()
	tracker := webui.NewTracker(webui.Settings{Client: &http.Client{Transport: &http.Transport{}}})
	defer tracker.Close()
	_, err := tracker.Observe(t.Context(), []webui.Target{{Instance: "ff", Process: "1/1"}}, nil)
	require.NoError(t, err)
	var snapshot *webui.Snapshot
	for range times {
		snapshot, err = tracker.Observe(t.Context(), []webui.Target{{Instance: "ff", Process: "1/1", Port: 7860, URL: mustURL(t, ts.URL)}}, nil)
		require.NoError(t, err)
	}
	require.Len(t, snapshot.Servers, 1)
	return snapshot.Servers[0], s.takeAsked()
}

// What each Gradio that FaceFusion pins answered is understood, and it is asked for nothing else.
func TestRecordedVersions(t *testing.T) {
	prefixed := []string{"GET /gradio_api/startup-events", "GET /monitoring/summary", "GET /gradio_api/queue/status", "GET /gradio_api/app_id"}
	plain := []string{"GET /gradio_api/startup-events", "GET /startup-events", "GET /queue/status", "GET /app_id"}
	for _, tt := range []struct {
		name    string
		asked   []string
		queue   bool
		summary bool
	}{
		{name: "3.50.2-noqueue", asked: plain},
		{name: "3.50.2", asked: plain, queue: true},
		{name: "4.44.0", asked: plain, queue: true},
		{name: "5.9.1", asked: prefixed, queue: true},
		{name: "5.25.2", asked: prefixed, queue: true},
		{name: "5.42.0", asked: prefixed, queue: true},
		{name: "5.44.1", asked: prefixed, queue: true, summary: true},
		{name: "5.50.0", asked: prefixed, queue: true, summary: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := readRecording(t, tt.name)
			require.NotEmpty(t, r.Moments)
			for name, m := range r.Moments {
				got, asked := observeOnce(t, m)
				assert.Equal(t, webui.StateReady, got.State, name)
				assert.Equal(t, tt.asked, asked, name)
				var want reading.Value[int64]
				if tt.queue {
					want = reading.Known[int64](0)
				}
				if name == "two wait" {
					want = reading.Known[int64](2)
				}
				assert.Equal(t, want, got.QueueSize, name)
				if tt.summary {
					assert.Len(t, got.Functions, 11, name)
				} else {
					assert.Empty(t, got.Functions, name)
				}
			}
		})
	}
}

// Gradio's statistics of its functions, at each recorded moment.
func TestRecordedFunctions(t *testing.T) {
	r := readRecording(t, "5.50.0")
	type count struct{ requests, failed int64 }
	for _, tt := range []struct {
		moment string
		want   map[string]count
	}{
		{"idle", map[string]count{}},
		{"two wait", map[string]count{}},
		{"all have run", map[string]count{"run": {3, 0}}},
		// the failure shows only once another event was queued and has ended
		{"a run has failed", map[string]count{"run": {4, 0}, "read_logs": {1, 0}}},
		{"a run has failed, and a log was read", map[string]count{"run": {4, 1}, "read_logs": {2, 0}}},
		{"the next one runs, and a log was read", map[string]count{"run": {5, 1}, "read_logs": {3, 0}}},
		{"every function has run", map[string]count{
			"run": {6, 1}, "read_logs": {5, 0}, "start": {1, 0}, "stop": {1, 0}, "clear": {1, 0},
			"start_1": {1, 0}, "run_1": {1, 0}, "stop_1": {1, 0}, "apply": {1, 0},
		}},
	} {
		t.Run(tt.moment, func(t *testing.T) {
			got, _ := observeOnce(t, r.Moments[tt.moment])
			for _, f := range got.Functions {
				want := tt.want[f.Name]
				assert.Equal(t, want.requests, f.Requests, f.Name)
				assert.Equal(t, reading.Known(want.failed), f.Failed, f.Name)
			}
		})
	}
	t.Run("percentiles", func(t *testing.T) {
		got, _ := observeOnce(t, r.Moments["a run has failed, and a log was read"])
		for _, f := range got.Functions {
			// a function that failed once has none any more
			known := f.Name == "read_logs"
			assert.Equal(t, []bool{known, known, known}, []bool{f.P50.Known, f.P90.Known, f.P99.Known}, f.Name)
			if known {
				assert.Less(t, f.P50.V, f.P90.V)
				assert.Less(t, f.P90.V, f.P99.V)
			}
		}
	})
}
