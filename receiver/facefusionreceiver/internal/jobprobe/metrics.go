package jobprobe

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// record turns one jobs folder into points. Of one that cannot be looked at only that is known;
// while the first scan is not through, its jobs are not.
func record(mb *metadata.MetricsBuilder, queue *jobqueue.Queue, now time.Time) {
	ts := pcommon.NewTimestampFromTime(now)
	for access := range probe.Values[metadata.AttributeFacefusionJobFolderState]() {
		mb.RecordFacefusionJobFolderStateDataPoint(ts, probe.OneIf(string(queue.Access) == access.String()), access)
	}
	if queue.Access == jobqueue.AccessAbsent && len(queue.Runs) > 0 {
		recordFinished(mb, queue, ts) // counts do not go with a folder, such as that of a run
	}
	if queue.Access != jobqueue.AccessOpen {
		return
	}
	recordFinished(mb, queue, ts)
	if queue.Scanning {
		return
	}
	for state := range probe.Values[metadata.AttributeFacefusionJobState]() {
		mb.RecordFacefusionJobCountDataPoint(ts, int64(queue.Count(jobqueue.State(state.String()))), state)
	}
	mb.RecordFacefusionActiveTasksDataPoint(ts, int64(queue.ActiveTasks))
	mb.RecordFacefusionJobContendedDataPoint(ts, int64(queue.Contended))
	mb.RecordFacefusionJobFolderOdditiesDataPoint(ts, int64(queue.Irregular))
	recordOldest(mb, queue, ts, now)
}

// recordOldest sends an age of zero when no job waits or runs: nothing is late then.
func recordOldest(mb *metadata.MetricsBuilder, queue *jobqueue.Queue, ts pcommon.Timestamp, now time.Time) {
	age := func(known bool, since time.Time) float64 {
		if !known {
			return 0
		}
		return max(0, now.Sub(since).Seconds())
	}
	mb.RecordFacefusionJobOldestAgeDataPoint(ts, age(queue.OldestWaiting.Known, queue.OldestWaiting.V), metadata.AttributeFacefusionJobAgeWaiting)
	mb.RecordFacefusionJobOldestAgeDataPoint(ts, age(queue.OldestRunning.Known, queue.OldestRunning.V), metadata.AttributeFacefusionJobAgeRunning)
}

// recordFinished sends every outcome from the start, for the combinations of origin and media that
// were seen: a rate shows the first failure.
func recordFinished(mb *metadata.MetricsBuilder, queue *jobqueue.Queue, ts pcommon.Timestamp) {
	type kind struct {
		origin jobfile.Origin
		media  jobfile.Media
	}
	counts := map[kind]map[jobqueue.Outcome]uint64{}
	for i := range queue.Runs {
		r := &queue.Runs[i]
		k := kind{r.Origin, r.Media}
		if counts[k] == nil {
			counts[k] = map[jobqueue.Outcome]uint64{}
		}
		counts[k][r.Outcome] = r.Count
	}
	for k, byOutcome := range counts {
		origin, media := metadata.MapAttributeFacefusionOrigin[string(k.origin)], metadata.MapAttributeFacefusionMedia[string(k.media)]
		for outcome := range probe.Values[metadata.AttributeFacefusionOutcome]() {
			n := byOutcome[jobqueue.Outcome(outcome.String())]
			if n == 0 && outcome == metadata.AttributeFacefusionOutcomeStopped && !queue.StopsKnown {
				continue // what cannot be told has no zero
			}
			if n == 0 && outcome == metadata.AttributeFacefusionOutcomeDeclined && !queue.DeclinesKnown {
				continue
			}
			mb.RecordFacefusionJobFinishedDataPoint(ts, int64(n), outcome, origin, media)
		}
	}
	for reason, n := range queue.Orphans { // what cannot be told of a FaceFusion has no zero
		mb.RecordFacefusionJobLostDataPoint(ts, int64(n),
			metadata.WithFacefusionOrphanReasonMetricAttribute(string(reason)))
	}
}

// appendDurations adds the histograms to what mdatagen's builder made.
func appendDurations(cfg *HistogramsConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time) {
	if cfg.JobDuration.Enabled && len(queue.Runs) > 0 {
		appendRuns(jobDuration, &cfg.JobDuration, metrics, queue, now, func(r *jobqueue.RunTotals) *jobqueue.Durations { return &r.Duration })
	}
	if cfg.JobWaitDuration.Enabled && len(queue.Runs) > 0 {
		appendRuns(jobWaitDuration, &cfg.JobWaitDuration, metrics, queue, now, func(r *jobqueue.RunTotals) *jobqueue.Durations { return &r.Wait })
	}
	if cfg.StepDuration.Enabled && len(queue.Steps) > 0 {
		appendSteps(stepDuration, &cfg.StepDuration, metrics, queue, now)
	}
}

func appendRuns(h probe.HistogramSpec, cfg *HistogramConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time, durations func(*jobqueue.RunTotals) *jobqueue.Durations) {
	series := newSeries(h, cfg, metrics, queue.Start, now)
	for i := range queue.Runs {
		r := &queue.Runs[i]
		attributes := series.append(durations(r))
		attributes.PutStr("facefusion.outcome", string(r.Outcome))
		attributes.PutStr("facefusion.origin", string(r.Origin))
		attributes.PutStr("facefusion.media", string(r.Media))
	}
}

func appendSteps(h probe.HistogramSpec, cfg *HistogramConfig, metrics pmetric.MetricSlice, queue *jobqueue.Queue, now time.Time) {
	series := newSeries(h, cfg, metrics, queue.Start, now)
	for i := range queue.Steps {
		s := &queue.Steps[i]
		attributes := series.append(&s.Duration)
		attributes.PutStr("facefusion.outcome", string(s.Outcome))
		attributes.PutStr("facefusion.media", string(s.Media))
		attributes.PutStr("facefusion.processors", s.Processors)
		attributes.PutStr("facefusion.model", s.Models)
	}
}
