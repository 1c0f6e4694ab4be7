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
)

// ended is a queue in which runs of three kinds ended, and one outcome more.
func ended() *jobqueue.Queue {
	now := time.Unix(1800000000, 0)
	durations := func(at time.Duration, values ...float64) jobqueue.Durations {
		h, e := histogram.New(jobqueue.DurationBounds), histogram.NewExponential()
		d := jobqueue.Durations{}
		for _, v := range values {
			h.Observe(v)
			e.Observe(v)
			d.Exemplars = append(d.Exemplars, jobqueue.Exemplar{Value: v, Time: now.Add(at), Span: jobqueue.SpanID{byte(v)}})
		}
		d.Snapshot = h.Snapshot()
		exponential := e.Snapshot()
		d.Exponential = &exponential
		return d
	}
	runs := func(outcome jobqueue.Outcome, origin, media string, n uint64, d jobqueue.Durations) jobqueue.RunTotals {
		return jobqueue.RunTotals{
			RunKey: jobqueue.RunKey{Outcome: outcome, Origin: jobfile.Origin(origin), Media: jobfile.Media(media)}, Count: n, Duration: d, Wait: d,
		}
	}
	return &jobqueue.Queue{Access: jobqueue.AccessOpen, Start: now, Runs: []jobqueue.RunTotals{
		runs(jobqueue.OutcomeCompleted, "batch", "video", 2, durations(time.Second, 8, 20)),
		runs(jobqueue.OutcomeCompleted, "ui", "image", 3, durations(2*time.Second, 0.4, 9, 59)),
		runs(jobqueue.OutcomeFailed, "ui", "image", 4, durations(time.Second, 2)),
	}}
}

func appended(cfg HistogramConfig) pmetric.Metric {
	metrics := pmetric.NewMetricSlice()
	appendRuns(jobDuration, &cfg, metrics, ended(), time.Unix(1800000010, 0), func(r *jobqueue.RunTotals) *jobqueue.Durations { return &r.Duration })
	return metrics.At(0)
}

func TestHistogramsAddUpTheRest(t *testing.T) {
	points := appended(HistogramConfig{Attributes: []string{outcome}, Bounds: []float64{5, 60}}).Histogram().DataPoints()
	require.Equal(t, 2, points.Len())
	completed := points.At(0)
	require.Equal(t, map[string]any{outcome: "completed"}, completed.Attributes().AsRaw())
	require.Equal(t, []float64{5, 60}, completed.ExplicitBounds().AsRaw())
	require.Equal(t, []uint64{1, 4, 0}, completed.BucketCounts().AsRaw())
	require.InDelta(t, 96.4, completed.Sum(), 1e-9)
	require.Equal(t, uint64(5), completed.Count())
	require.Equal(t, 2, completed.Exemplars().Len(), "the last of each bucket")
	require.InDelta(t, 0.4, completed.Exemplars().At(0).DoubleValue(), 0)
	require.InDelta(t, 59, completed.Exemplars().At(1).DoubleValue(), 0)

	require.Equal(t, 3, appended(HistogramConfig{Attributes: []string{media, outcome}}).Histogram().DataPoints().Len())
	all := appended(HistogramConfig{}).Histogram().DataPoints()
	require.Equal(t, 1, all.Len())
	require.Equal(t, uint64(6), all.At(0).Count())
	require.Empty(t, all.At(0).Attributes().AsRaw())

	exponential := appended(HistogramConfig{Exponential: true}).ExponentialHistogram().DataPoints()
	require.Equal(t, 1, exponential.Len())
	require.Equal(t, uint64(6), exponential.At(0).Count())
	require.InDelta(t, 98.4, exponential.At(0).Sum(), 1e-9)
}

// finished are the points of facefusion.job.finished, by their attributes.
func finished(t *testing.T, queue *jobqueue.Queue, attributes ...string) map[string]int64 {
	env, _ := probetest.Env()
	cfg := NewDefaultHistogramsConfig()
	if attributes != nil {
		cfg.JobFinished.Attributes = attributes
	}
	p := New(NewDefaultConfig(), cfg, env)
	queue.Instances = []string{"a"}
	defer p.watcher.Close()
	p.latest.Publish(&jobqueue.Snapshot{Queues: []jobqueue.Queue{*queue}})
	values := map[string]int64{}
	for _, m := range p.Scrape(time.Now()).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() != "facefusion.job.finished" {
			continue
		}
		for _, dp := range m.Sum().DataPoints().All() {
			text := ""
			for _, name := range []string{outcome, origin, media} {
				if v, ok := dp.Attributes().Get(name); ok {
					text += v.Str() + " "
				}
			}
			values[text] = dp.IntValue()
		}
	}
	require.NotEmpty(t, values)
	return values
}

// TestEveryOutcomeIsZeroFromTheStart: the first failure of a day shows in a rate. By outcome alone,
// that is six series of an instance.
func TestEveryOutcomeIsZeroFromTheStart(t *testing.T) {
	none := &jobqueue.Queue{Access: jobqueue.AccessOpen}
	require.Equal(t, map[string]int64{"completed ": 0, "failed ": 0, "orphaned ": 0, "deleted ": 0}, finished(t, none))
	none.StopsKnown, none.DeclinesKnown = true, true
	require.Len(t, finished(t, none), 6)
	require.Equal(t, map[string]int64{"completed ": 5, "failed ": 4, "orphaned ": 0, "deleted ": 0}, finished(t, ended()))
}

func TestFinishedRunsByOriginAndMedia(t *testing.T) {
	require.Equal(t, map[string]int64{
		"completed batch video ": 2, "failed batch video ": 0, "orphaned batch video ": 0, "deleted batch video ": 0,
		"completed ui image ": 3, "failed ui image ": 4, "orphaned ui image ": 0, "deleted ui image ": 0,
	}, finished(t, ended(), outcome, origin, media))
	require.Equal(t, map[string]int64{
		"completed image ": 3, "failed image ": 4, "orphaned image ": 0, "deleted image ": 0,
		"completed video ": 2, "failed video ": 0, "orphaned video ": 0, "deleted video ": 0,
	}, finished(t, ended(), outcome, media))
}
