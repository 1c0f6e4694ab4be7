package history

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

var end = time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC)

// jobs are what the golden page lacks: series of runs that ended.
func jobs() string {
	var b strings.Builder
	instance := `instance="facefusion-fc92",job="facefusion",service_instance_id="facefusion-fc92",service_name="facefusion"`
	b.WriteString("# TYPE facefusion_job_finished_total counter\n")
	for _, media := range []string{"image", "video"} {
		for _, outcome := range []string{"completed", "failed", "orphaned", "deleted"} {
			b.WriteString(`facefusion_job_finished_total{facefusion_media="` + media + `",facefusion_origin="ui",facefusion_outcome="` + outcome + `",` + instance + "} 0\n")
		}
	}
	for _, name := range []string{"facefusion_job_duration_seconds", "facefusion_job_wait_duration_seconds"} {
		b.WriteString("# TYPE " + name + " histogram\n")
		of := `facefusion_media="video",facefusion_origin="ui",facefusion_outcome="completed",` + instance
		for _, bound := range []string{"30", "60", "120", "300", "+Inf"} {
			b.WriteString(name + `_bucket{` + of + `,le="` + bound + "\"} 0\n")
		}
		b.WriteString(name + "_sum{" + of + "} 0\n" + name + "_count{" + of + "} 0\n")
	}
	return b.String()
}

// shown are the series of the golden page of the end-to-end test, which the built collector showed,
// and of jobs.
func shown(t *testing.T) []Series {
	t.Helper()
	golden, err := os.ReadFile("../../e2e/testdata/metrics.txt")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "page")
	require.NoError(t, os.WriteFile(file, append(bytes.ReplaceAll(golden, []byte("VALUE"), []byte("0")), jobs()...), 0o600))
	series, err := Read([]ScrapeTarget{{Labels: labels.FromStrings("job", "facefusion", "instance", "gpu-7:9464", "host_name", "gpu-7"), Pages: []string{file, file}}})
	require.NoError(t, err)
	return series
}

func TestRead(t *testing.T) {
	series := shown(t)
	seen := map[string]int{}
	for _, s := range series {
		seen[s.Labels.String()]++
		require.Equal(t, 1, seen[s.Labels.String()], "%s twice", s.Labels)
		require.Equal(t, "gpu-7", s.Get("host_name"))
	}
	of := func(name string) Series {
		for _, s := range series {
			if s.Name() == name {
				return s
			}
		}
		require.Fail(t, "no "+name)
		return Series{}
	}
	require.Equal(t, "facefusion-fc92", of("facefusion_active_tasks").Get("instance"), "what the page says wins")
	require.Equal(t, "gpu-7:9464", of("hw_power_watts").Get("instance"), "what it does not say is added")
	require.Equal(t, model.MetricTypeCounter, of("hw_energy_joules_total").Type)
	require.Equal(t, "facefusion_job_duration_seconds", of("facefusion_job_duration_seconds_bucket").Family)
	require.Equal(t, model.MetricTypeHistogram, of("facefusion_job_duration_seconds_bucket").Type)
	require.Equal(t, 1.0, of("up").Value)
}

// live plays the last day and calls a function after each step.
func live(series []Series, set Settings, observe func(at time.Time, m *machine, values []float64)) []string {
	m := newMachine(set, series)
	readings, unknown := m.bind(series)
	values := make([]float64, len(series))
	for at := end.Add(-day); at.Before(end); at = at.Add(15 * time.Second) {
		m.pass(at, 15*time.Second)
		for n, read := range readings {
			values[n] = read()
		}
		observe(at, m, values)
	}
	return unknown
}

// Every generated value must be possible.
func TestValuesArePossible(t *testing.T) {
	series := shown(t)
	before := make([]float64, len(series))
	unknown := live(series, Settings{End: end, Seed: 1}, func(at time.Time, _ *machine, values []float64) {
		states, buckets := map[string]float64{}, map[string][2]float64{}
		for n, s := range series {
			v := values[n]
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < 0, "%s is %v at %s", s.Labels, v, at)
			if s.Type == model.MetricTypeCounter || s.Type == model.MetricTypeHistogram {
				restart := at.Equal(end.Add(-11 * time.Hour))
				require.True(t, v >= before[n] || restart, "%s falls from %v to %v at %s", s.Labels, before[n], v, at)
			}
			if strings.HasSuffix(s.Name(), "_ratio") && s.Name() != "nvidia_gpu_performance_state" {
				require.LessOrEqual(t, v, 1.0, "%s at %s", s.Labels, at)
			}
			if s.Name() == "facefusion_server_state" || s.Name() == "hw_status" {
				states[s.Name()+s.Get("hw_id")] += v
			}
			// Buckets of one histogram follow one another on the page.
			if strings.HasSuffix(s.Name(), "_bucket") {
				of := labels.NewBuilder(s.Labels).Del("le", model.MetricNameLabel).Labels().String() + s.Family
				require.GreaterOrEqual(t, v, buckets[of][0], "%s at %s", s.Labels, at)
				buckets[of] = [2]float64{v, 1}
			}
			if of := labels.NewBuilder(s.Labels).Del(model.MetricNameLabel).Labels().String() + s.Family; strings.HasSuffix(s.Name(), "_count") && buckets[of][1] == 1 {
				require.Equal(t, buckets[of][0], v, "the last bucket of %s at %s", s.Labels, at)
			}
			before[n] = v
		}
		for state, sum := range states {
			require.Equal(t, 1.0, sum, "%s at %s", state, at)
		}
	})
	require.Empty(t, unknown, "the model does not know these, they would be constant for a year")
	changed := 0
	for _, v := range before {
		if v > 0 {
			changed++
		}
	}
	// The rest are states that the host is not in, and errors that it never had.
	require.Greater(t, changed, len(series)*2/5)
}

// The incidents of the calendar show in the right series, and on a quiet host in none.
func TestIncidents(t *testing.T) {
	series := shown(t)
	for _, quiet := range []bool{false, true} {
		seen := map[string]bool{}
		live(series, Settings{End: end, Seed: 1, Quiet: quiet}, func(_ time.Time, m *machine, _ []float64) {
			i := m.instances[0]
			seen[Orphan] = seen[Orphan] || i.orphaned > 0
			seen[Saturated] = seen[Saturated] || i.state == "saturated"
		})
		require.Equal(t, map[string]bool{Orphan: !quiet, Saturated: !quiet}, seen)
	}
}

// The same seed gives the same day.
func TestSeed(t *testing.T) {
	series := shown(t)
	last := func(seed uint64) []float64 {
		var all []float64
		live(series, Settings{End: end, Seed: seed}, func(_ time.Time, _ *machine, values []float64) { all = append(all[:0], values...) })
		return all
	}
	first := last(1)
	require.Equal(t, first, last(1))
	require.NotEqual(t, first, last(2))
}

// What was written can be asked for, last week and last year as well, and rules have been at work.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	var few []Series
	for _, s := range shown(t) {
		if strings.HasPrefix(s.Name(), "facefusion_job") || s.Name() == "facefusion_process_up" || s.Name() == "nvidia_gpu_info" || s.Name() == "facefusion_server_state" {
			few = append(few, s)
		}
	}
	_, err := Write(t.Context(), dir, few, Settings{End: end, Seed: 1})
	require.NoError(t, err)
	rules := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(rules, []byte(`groups:
  - name: test
    rules:
      - record: second:finished:sum
        expr: sum(first:finished:increase1h)
      - record: first:finished:increase1h
        expr: increase(facefusion_job_finished_total[1h])
      - alert: Saturated
        expr: facefusion_server_state{facefusion_server_state="saturated"} == 1
        for: 5m
`), 0o600))
	require.NoError(t, WriteRules(t.Context(), dir, []string{rules}, end))

	db, err := tsdb.OpenDBReadOnly(dir, t.TempDir(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute})
	ask := func(expr string, at time.Time) float64 {
		query, err := engine.NewInstantQuery(t.Context(), db, nil, expr, at)
		require.NoError(t, err)
		defer query.Close()
		found, err := query.Exec(t.Context()).Vector()
		require.NoError(t, err)
		require.Len(t, found, 1, expr)
		return found[0].F
	}
	last := end.Add(-time.Minute)
	for _, expr := range []string{`sum(increase(facefusion_job_finished_total[1d]))`, `sum(increase(facefusion_job_finished_total[1d] offset 1w))`, `sum(increase(facefusion_job_finished_total[1d] offset 1y))`} {
		require.Greater(t, ask(expr, last), 100.0, expr)
	}
	require.InDelta(t, ask(`sum(increase(facefusion_job_finished_total[1h]))`, end.Add(-4*time.Hour)), ask(`second:finished:sum`, end.Add(-4*time.Hour)), 0.5)
	// It begins five and a half hours before the end.
	began := end.Add(-5*time.Hour - 30*time.Minute)
	require.Equal(t, 1.0, ask(`ALERTS{alertname="Saturated", alertstate="pending"}`, began.Add(4*time.Minute)))
	require.Equal(t, 1.0, ask(`ALERTS{alertname="Saturated", alertstate="firing"}`, began.Add(10*time.Minute)))
}
