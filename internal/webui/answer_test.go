package webui

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

func TestFailedOf(t *testing.T) {
	rate := func(v float64) *float64 { return &v }
	known := reading.Known[int64]
	for _, tt := range []struct {
		name  string
		total int64
		rate  *float64
		want  reading.Value[int64]
	}{
		{"nothing has ended", 3, nil, known(0)},
		{"no failure", 7, rate(1), known(0)},
		{"none but failures: the last may run still", 7, rate(0), known(6)},
		{"the only one", 1, rate(0), known(1)},
		{"one has failed, and one runs", 2, rate(0), known(1)},
		{"one of eight", 8, rate(7.0 / 8), known(1)},
		{"one of seven, and one runs", 8, rate(6.0 / 7), known(1)},
		{"one of six, one runs and one was cancelled", 8, rate(5.0 / 6), known(1)},
		{"one of many", 1_000_003, rate(1_000_000.0 / 1_000_001), known(1)},
		{"one of many, and too many were cancelled", 1_100_000, rate(1_000_000.0 / 1_000_001), reading.Value[int64]{}},
		{"no quotient of these numbers", 5, rate(0.123), reading.Value[int64]{}},
		{"nothing was asked for", 0, rate(0.5), reading.Value[int64]{}},
		{"no rate", 5, rate(math.NaN()), reading.Value[int64]{}},
		{"negative", 5, rate(-0.5), reading.Value[int64]{}},
		{"above one", 5, rate(1.5), reading.Value[int64]{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, failedOf(tt.total, 0, tt.rate))
		})
	}
}

// The number is never too high, whatever is under way.
func FuzzFailedOf(f *testing.F) {
	f.Add(uint16(7), uint16(1), uint8(1))
	f.Add(uint16(0), uint16(1), uint8(1))
	f.Fuzz(func(t *testing.T, succeeded, failed uint16, unfinished uint8) {
		ended := int64(succeeded) + int64(failed)
		if ended == 0 {
			return
		}
		rate := float64(succeeded) / float64(ended)
		got := failedOf(ended+int64(unfinished), max(0, int64(unfinished)-1), &rate)
		require.True(t, got.Known)
		assert.LessOrEqual(t, got.V, int64(failed))
		if failed == 0 {
			assert.Zero(t, got.V)
		} else if succeeded > 0 && unfinished == 0 && ended < 1<<10 {
			assert.GreaterOrEqual(t, got.V, int64(failed)-1, "the last one may be late")
		}
	})
}

// addRecordings seeds a fuzzer with every body that was recorded.
func addRecordings(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "web", "*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		var recording struct {
			Moments map[string]map[string]struct{ Body string }
		}
		require.NoError(f, json.Unmarshal(data, &recording))
		for _, moment := range recording.Moments {
			for _, answer := range moment {
				f.Add([]byte(answer.Body))
			}
		}
	}
	f.Add([]byte(`{"functions":{"run":null}}`))
	f.Add([]byte(`{"functions":{"run":{"success_rate":1e-320,"total_requests":9007199254740992},"a":{"total_requests":9007199254740992}}}`))
}

// Whatever a server answers, what is understood of it is plausible and bounded.
func FuzzParsers(f *testing.F) {
	addRecordings(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if size, err := parseQueue(body); err == nil {
			assert.GreaterOrEqual(t, size, int64(0))
			assert.LessOrEqual(t, size, int64(maxQueueSize))
		} else {
			assert.Equal(t, errNotGradio, err)
		}
		if _, err := parseApp(body); err != nil {
			assert.Equal(t, errNotGradio, err)
		}
		if err := parseLoop(body); err != nil {
			assert.Equal(t, errNotGradio, err)
		}
		usages, err := parseSummary(body, 0)
		if err != nil {
			assert.Equal(t, errNotGradio, err)
			assert.Nil(t, usages)
			return
		}
		require.Len(t, usages, len(functionNames))
		for _, name := range functionNames {
			u := usages[name]
			assert.LessOrEqual(t, u.requests, int64(maxTotal))
			assert.GreaterOrEqual(t, u.requests, u.failed.V)
			assert.GreaterOrEqual(t, u.failed.V, int64(0))
			for _, p := range []reading.Value[float64]{u.p50, u.p90, u.p99} {
				assert.False(t, p.V < 0 || math.IsInf(p.V, 0) || math.IsNaN(p.V))
			}
		}
	})
}
