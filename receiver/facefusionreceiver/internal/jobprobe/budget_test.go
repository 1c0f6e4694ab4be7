package jobprobe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/histogram"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probetest"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/scenario"
)

// day is the jobs folder of an instance after a day of the simulator's plan, with each outcome that
// there is: what a store is asked to keep in steady state.
func day() jobqueue.Queue {
	durations := func() jobqueue.Durations {
		d := jobqueue.Durations{Snapshot: histogram.New(jobqueue.DurationBounds).Snapshot()}
		d.Count++
		d.Counts[3]++
		return d
	}
	runs, steps := map[jobqueue.RunKey]bool{}, map[jobqueue.StepKey]bool{}
	add := func(o jobqueue.Outcome, from jobfile.Origin, job scenario.Job) {
		key := jobqueue.RunKey{Outcome: o, Origin: from, Media: jobfile.MediaMixed}
		for i := range job.Steps {
			step := &job.Steps[i]
			m := jobfile.MediaVideo
			if step.Target == "/data/in/photo.jpg" {
				m = jobfile.MediaImage
			}
			key.Media = m
			name := ""
			for _, p := range step.Processors {
				name += p + ","
			}
			steps[jobqueue.StepKey{Outcome: o, Media: m, Processors: name, Models: name}] = true
		}
		runs[key] = true
	}
	var passed time.Duration
	for act := range scenario.Plan(1, 0) {
		if passed += act.Pause + act.Length; passed > 24*time.Hour {
			break
		}
		from := map[scenario.ActKind]jobfile.Origin{scenario.UI: jobfile.OriginUI, scenario.Headless: jobfile.OriginHeadless}[act.Kind]
		if from == "" {
			from = jobfile.OriginOther
		}
		for _, job := range act.Jobs {
			add(jobqueue.Outcome(job.End), from, job)
			for i := range job.Steps {
				passed += job.Steps[i].Duration
			}
		}
	}
	// What users do is not in the plan: each stops and deletes something on a day, and a log shows
	// of what was declined.
	first := scenario.Job{}
	for _, o := range []jobqueue.Outcome{jobqueue.OutcomeStopped, jobqueue.OutcomeDeleted, jobqueue.OutcomeDeclined} {
		add(o, jobfile.OriginUI, first)
	}
	q := jobqueue.Queue{
		Instances: []string{"a"}, Access: jobqueue.AccessOpen, StopsKnown: true, DeclinesKnown: true,
		Orphans: map[jobqueue.LossReason]uint64{jobqueue.ReasonException: 1, jobqueue.ReasonKilled: 2, jobqueue.ReasonOOMKilled: 3, jobqueue.ReasonSuperseded: 4, jobqueue.ReasonGone: 5},
	}
	for key := range runs {
		q.Runs = append(q.Runs, jobqueue.RunTotals{RunKey: key, Count: 1, Duration: durations(), Wait: durations()})
	}
	for key := range steps {
		q.Steps = append(q.Steps, jobqueue.StepTotals{StepKey: key, Duration: durations()})
	}
	return q
}

// seriesOf counts what a Prometheus makes of metrics: a histogram is as many series as it has
// buckets, its sum and its count.
func seriesOf(metrics pmetric.Metrics) (counters, histograms int) {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				switch m.Type() {
				case pmetric.MetricTypeHistogram:
					for _, dp := range m.Histogram().DataPoints().All() {
						histograms += dp.BucketCounts().Len() + 2
					}
				case pmetric.MetricTypeSum:
					counters += m.Sum().DataPoints().Len()
				default:
					counters += m.Gauge().DataPoints().Len()
				}
			}
		}
	}
	return counters, histograms
}

// TestSeriesOfADay holds the part of the jobs in the budget of an instance, which is 350 series in
// all (docs/cardinality.md): `make series` counts the rest. What everything on costs is beside it.
func TestSeriesOfADay(t *testing.T) {
	queue := day()
	require.Greater(t, len(queue.Runs), 15, "the day has runs of many kinds")
	require.Greater(t, len(queue.Steps), 15)
	count := func(cfg HistogramsConfig) (counters, histograms int) {
		env, _ := probetest.Env()
		p := New(NewDefaultConfig(), cfg, env)
		defer p.watcher.Close()
		p.latest.Publish(&jobqueue.Snapshot{Queues: []jobqueue.Queue{queue}})
		return seriesOf(p.Scrape(time.Now()))
	}
	counters, histograms := count(NewDefaultHistogramsConfig())
	t.Logf("by default: %d and %d of histograms", counters, histograms)
	require.LessOrEqual(t, counters, 36)
	require.LessOrEqual(t, histograms, 120)

	all := NewDefaultHistogramsConfig()
	all.JobFinished.Attributes = []string{outcome, origin, media}
	all.JobDuration = HistogramConfig{Enabled: true, Attributes: all.JobFinished.Attributes, Bounds: jobqueue.DurationBounds}
	all.JobWaitDuration = all.JobDuration
	all.StepDuration = HistogramConfig{Enabled: true, Attributes: []string{outcome, media, processors, model}, Bounds: jobqueue.DurationBounds}
	moreCounters, moreHistograms := count(all)
	t.Logf("with every attribute and bound: %d and %d of histograms", moreCounters, moreHistograms)
	require.Greater(t, moreHistograms, 4*histograms)
	require.Greater(t, moreCounters, counters)
}
